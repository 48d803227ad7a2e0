"""Exposure: what is installed on machines, what is wrong with it, what would help, and the organization's scores."""

from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import Context, Duration, Effect, Json, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import listed, since
from ringfence.connectors.defender.inputs import Condition, Limit, Machine

_VULNERABILITY, _SOFTWARE, _SCORE = ("Vulnerability.Read.All",), ("Software.Read.All",), ("Score.Read.All",)


@connector.action(effect=Effect.READ, operations=("get_installed_software",), permissions=_SOFTWARE)
async def get_installed_software(context: Context, machine: Machine, limit: Limit = 500) -> Json:
    """List the software that is installed on a machine.

    `items` are the products; `more` says that there are others.

    Example:
        software:
          action: defender.get_installed_software
          with: {machine: "${trigger.alert.machineId}"}
    """
    return listed(context, await context.defender.list("get_installed_software", limit=limit, machine_id=machine))


@connector.action(effect=Effect.READ, operations=("get_discovered_vulnerabilities",), permissions=_VULNERABILITY)
async def get_discovered_vulnerabilities(context: Context, machine: Machine, limit: Limit = 100) -> Json:
    """List the vulnerabilities that Defender found on a machine.

    `items` are the vulnerabilities; `more` says that there are others.

    Example:
        weaknesses:
          action: defender.get_discovered_vulnerabilities
          with: {machine: "${trigger.alert.machineId}"}
    """
    found = await context.defender.list("get_discovered_vulnerabilities", limit=limit, machine_id=machine)
    return listed(context, found)


@connector.action(
    effect=Effect.READ,
    operations=("get_security_recommendations",),
    permissions=("SecurityRecommendation.Read.All",),
)
async def get_security_recommendations(context: Context, machine: Machine, limit: Limit = 100) -> Json:
    """List what Defender recommends to make a machine safer.

    `items` are the recommendations; `more` says that there are others.

    Example:
        advice:
          action: defender.get_security_recommendations
          with: {machine: "${trigger.alert.machineId}"}
    """
    found = await context.defender.list("get_security_recommendations", limit=limit, machine_id=machine)
    return listed(context, found)


@connector.action(
    effect=Effect.READ,
    operations=("get_missing_kbs_machine",),
    permissions=_SOFTWARE,
    name="get_missing_updates",
    title="Get missing Windows updates",
)
async def get_missing_updates(context: Context, machine: Machine, limit: Limit = 100) -> Json:
    """List the Windows updates (KBs) that a machine lacks.

    `items` are the updates; `more` says that there are others.

    Example:
        updates:
          action: defender.get_missing_updates
          with: {machine: "${trigger.alert.machineId}"}
    """
    return listed(context, await context.defender.list("get_missing_kbs_machine", limit=limit, machine_id=machine))


@connector.action(effect=Effect.READ, operations=("list_vulnerabilities",), permissions=_VULNERABILITY)
async def list_vulnerabilities(
    context: Context,
    cve: Annotated[list[str] | None, Field(description="Only these, e.g. CVE-2024-3094.", max_length=50)] = None,
    severity: Annotated[
        list[Literal["Low", "Medium", "High", "Critical"]] | None,
        Field(description="Only those of one of these severities."),
    ] = None,
    least_score: Annotated[
        float | None, Field(description="Only those with at least this CVSS score, 0 to 10.", ge=0, le=10)
    ] = None,
    published_within: Annotated[
        Duration | None, Field(description="Only those that were published within this time, e.g. 30 d.")
    ] = None,
    updated_within: Annotated[
        Duration | None, Field(description="Only those that were updated within this time, e.g. 7 d.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 100,
) -> Json:
    """List the vulnerabilities that fit all that is given, of all that Microsoft knows.

    `items` are the vulnerabilities, each with how many machines it exposes; `more` says that there are others which fit.

    Example:
        worst:
          action: defender.list_vulnerabilities
          with: {severity: [Critical, High], least_score: 7.5, limit: 20}
    """
    found = await context.defender.list(
        "list_vulnerabilities",
        limit=limit,
        conditions=(
            where("id", "eq", *(cve or ())),
            where("severity", "eq", *(severity or ())),
            where("cvssV3", "ge", least_score),
            where("publishedOn", "ge", since(context, published_within)),
            where("updatedOn", "ge", since(context, updated_within)),
        ),
        filter=filter,
    )
    return listed(context, found)


@connector.action(effect=Effect.READ, operations=("get_machines_by_vulnerability",), permissions=_VULNERABILITY)
async def get_machines_by_vulnerability(
    context: Context,
    cve: Annotated[str, Field(description="The vulnerability, e.g. CVE-2024-3094.", min_length=1, max_length=60)],
    limit: Limit = 100,
) -> Json:
    """List the machines that a vulnerability exposes.

    `items` are the machines; `more` says that there are others.

    Example:
        worst:
          action: defender.list_vulnerabilities
          with: {limit: 1}
        exposed:
          after: worst
          action: defender.get_machines_by_vulnerability
          with: {cve: "${steps.worst.items[0].id}"}
    """
    return listed(context, await context.defender.list("get_machines_by_vulnerability", limit=limit, cve_id=cve))


@connector.action(effect=Effect.READ, operations=("get_exposure_score",), permissions=_SCORE)
async def get_exposure_score(context: Context) -> Json:
    """Read how exposed the organization is: 0 to 100, less is better.

    Example:
        exposure:
          action: defender.get_exposure_score
    """
    return await context.defender.read("get_exposure_score")


@connector.action(effect=Effect.READ, operations=("get_device_secure_score",), permissions=_SCORE)
async def get_device_secure_score(context: Context) -> Json:
    """Read how well the organization's devices are configured: more is better.

    Example:
        configuration:
          action: defender.get_device_secure_score
    """
    return await context.defender.read("get_device_secure_score")
