"""Indicators: files, addresses, domains and certificates that Defender blocks, warns of, watches for or allows."""

import ipaddress
import re
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions import ActionError, Context, Duration, Effect, Json, ResponseState, Result, Wait, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import in_zone, listed
from ringfence.connectors.defender.inputs import Condition, Limit
from ringfence.connectors.defender.responding import follow

_PERMISSIONS = ("Ti.ReadWrite",)
_KIND = "indicators"
_OUTCOMES = ("success", "denied", "rejected", "not_needed")
_SAFETY_NET = timedelta(minutes=5)
Kind = Literal["FileSha1", "FileSha256", "FileMd5", "CertificateThumbprint", "IpAddress", "DomainName", "Url"]
_HASHES: Final[dict[int, Kind]] = {40: "FileSha1", 64: "FileSha256", 32: "FileMd5"}
Response = Literal["Block", "BlockAndRemediate", "Warn", "Audit", "Allowed", "Alert", "AlertAndBlock"]
Severity = Literal["Informational", "Low", "Medium", "High"]
IndicatorId = Annotated[str, Field(description="The id of the indicator, a number.", min_length=1, max_length=40)]

Value = Annotated[
    str,
    Field(
        description="A file's hash, an IP address, a domain or a URL; ranges of addresses are not possible.",
        min_length=3,
    ),
]
OfKind = Annotated[
    Kind | None, Field(alias="type", description="What the value is; recognised from the value if left out.")
]
Response_ = Annotated[
    Response,
    Field(description="What Defender does on seeing it; Alert and AlertAndBlock are older names for Audit and Block."),
]
Title = Annotated[str, Field(description="What the indicator is called.", min_length=1, max_length=256)]
Description = Annotated[str, Field(description="Why it exists, for whoever finds it later.", min_length=1)]
Expires = Annotated[
    Duration | None, Field(description="After which time it goes away by itself, e.g. 30 d; never if left out.")
]
Ends = Annotated[datetime | None, Field(description="The moment at which it goes away by itself, instead of a time.")]
OfSeverity = Annotated[Severity | None, Field(description="The severity of the alerts that it raises.")]
RaisesAlert = Annotated[bool, Field(description="Also raise an alert; Audit needs this.")]
Groups = Annotated[
    list[str] | None, Field(description="The names of the device groups that it is for; all devices if left out.")
]


class NewIndicator(BaseModel):
    """An indicator among several that are to be created or updated."""

    model_config = ConfigDict(extra="forbid")

    value: Value
    kind: OfKind = None
    action: Response_ = "Block"
    title: Title
    description: Description
    severity: OfSeverity = None
    expires_after: Expires = None
    expires_at: Ends = None
    generate_alert: RaisesAlert = True
    recommended_actions: Annotated[str | None, Field(description="What the analyst of its alerts should do.")] = None
    device_groups: Groups = None


@connector.action(effect=Effect.READ, operations=("list_indicators",), permissions=_PERMISSIONS)
async def list_indicators(
    context: Context,
    value: Annotated[str | None, Field(description="Only those for exactly this value.")] = None,
    kind: Annotated[list[Kind] | None, Field(alias="type", description="Only those of one of these types.")] = None,
    action: Annotated[list[Response] | None, Field(description="Only those that do one of these things.")] = None,
    severity: Annotated[list[Severity] | None, Field(description="Only those of one of these severities.")] = None,
    title: Annotated[str | None, Field(description="Only those that are called exactly so.")] = None,
    expiring_within: Annotated[
        Duration | None, Field(description="Only those that go away by themselves within this time, e.g. 7 d.")
    ] = None,
    filter: Condition = "",  # noqa: A002 - the query option's own name
    limit: Limit = 100,
) -> Json:
    """List the indicators that fit all that is given; with Ti.ReadWrite alone only those that this application made.

    `items` are the indicators; `more` says that there are others which fit.

    Example:
        known:
          action: defender.list_indicators
          with: {value: 203.0.113.7, type: [IpAddress], limit: 10}
    """
    found = await context.defender.list(
        "list_indicators",
        limit=limit,
        conditions=(
            where("indicatorValue", "eq", value),
            where("indicatorType", "eq", *(kind or ())),
            where("action", "eq", *(action or ())),
            where("severity", "eq", *(severity or ())),
            where("title", "eq", title),
            where("expirationTime", "le", context.now() + expiring_within.timedelta if expiring_within else None),
        ),
        filter=filter,
    )
    return listed(context, found)


@connector.action(
    effect=Effect.WRITE,
    operations=("list_indicators", "submit_indicator"),
    permissions=_PERMISSIONS,
    undo="defender.delete_indicator",
    outcomes=_OUTCOMES,
    repeatable=True,
)
async def submit_indicator(
    context: Context,
    value: Value,
    title: Title,
    description: Description,
    kind: OfKind = None,
    action: Response_ = "Block",
    severity: OfSeverity = None,
    expires_after: Expires = None,
    expires_at: Ends = None,
    generate_alert: RaisesAlert = True,
    recommended_actions: Annotated[str | None, Field(description="What the analyst of its alerts should do.")] = None,
    device_groups: Groups = None,
    educate_url: Annotated[
        str | None, Field(description="The page to which a user who is warned or blocked is sent.")
    ] = None,
) -> Result | Wait:
    """Make Defender block, warn of, watch for or allow a value, if policy allows it, and give the indicator.

    `success`: Defender lists it. `denied`: policy refused, or somebody else has another indicator for the value, which is not
    ours to change. `rejected`: people said no, or nothing in time. `not_needed`: the same one is there already, and not ours.
    To change one of ours, delete it first.

    Example:
        block:
          action: defender.submit_indicator
          with:
            value: 203.0.113.7
            action: Block
            severity: High
            title: Command and control of the attack on Contoso
            description: "${trigger.alert.title}"
            expires_after: 30 d
    """
    given = NewIndicator.model_validate(
        {
            "value": value,
            "type": kind,
            "action": action,
            "title": title,
            "description": description,
            "severity": severity,
            "expires_after": expires_after,
            "expires_at": expires_at,
            "generate_alert": generate_alert,
            "recommended_actions": recommended_actions,
            "device_groups": device_groups,
        }
    )
    indicator = _indicator(context, given) | {"educate_url": educate_url}
    seen = await _made(context, [indicator], title)
    if isinstance(seen, Wait):
        return seen
    state, result = seen
    first = state.made[0] if isinstance(state.made, list) and state.made else {}
    return Result(result.outcome, {**(first if isinstance(first, dict) else {}), "response": state.to_json()})


@connector.action(
    effect=Effect.WRITE,
    operations=("list_indicators", "import_indicators"),
    permissions=_PERMISSIONS,
    undo="defender.delete_indicators",
    outcomes=("success", "partly", "denied", "rejected", "not_needed"),
    repeatable=True,
)
async def import_indicators(
    context: Context,
    indicators: Annotated[
        list[NewIndicator], Field(description="The indicators, 1 to 500.", min_length=1, max_length=500)
    ],
) -> Result | Wait:
    """Make up to 500 indicators at once, if policy allows it; `items` are those that Defender lists.

    `success`: Defender lists all of them. `partly`: it refused some of them; `failed` says which and why. `denied`: policy
    refused, or somebody else has another indicator for one of the values. `rejected`: people said no, or nothing in time.
    `not_needed`: the same ones are there already, and not ours.

    Example:
        block_all:
          action: defender.import_indicators
          with:
            indicators:
              - {value: 203.0.113.7, title: Beacon, description: Seen at Contoso, expires_after: 30 d}
              - {value: beacon.fabrikam.com, title: Beacon, description: Seen at Contoso, severity: High}
    """
    seen = await _made(context, [_indicator(context, each) for each in indicators], indicators[0].title)
    if isinstance(seen, Wait):
        return seen
    state, result = seen
    items = state.made if isinstance(state.made, list) else []
    found: dict[str, Json] = {"items": items, "failed": list(state.failed), "response": state.to_json()}
    return Result("partly" if state.failed and result.outcome == "success" else result.outcome, found)


@connector.action(
    effect=Effect.WRITE,
    operations=("list_indicators", "delete_indicator"),
    permissions=_PERMISSIONS,
    outcomes=("success", "not_owned"),
    repeatable=True,
)
async def delete_indicator(context: Context, indicator: IndicatorId) -> Result | Wait:
    """Delete an indicator that Ringfence made, and wait until Defender no longer lists it.

    `success`: it is gone. `not_owned`: Ringfence did not make it, or it is gone already, so nothing was done.

    Example:
        block:
          action: defender.submit_indicator
          with: {value: 203.0.113.7, title: Beacon, description: Seen at Contoso}
        unblock:
          after: block
          action: defender.delete_indicator
          with: {indicator: "${steps.block.id}"}
    """
    return await _deleted(context, [indicator])


@connector.action(
    effect=Effect.WRITE,
    operations=("list_indicators", "batch_delete_indicators"),
    permissions=_PERMISSIONS,
    outcomes=("success", "partly", "not_owned"),
    repeatable=True,
)
async def delete_indicators(
    context: Context,
    indicators: Annotated[
        list[IndicatorId], Field(description="The ids of the indicators, 1 to 500.", min_length=1, max_length=500)
    ],
) -> Result | Wait:
    """Delete up to 500 indicators that Ringfence made, and wait until Defender no longer lists them.

    `success`: they are gone. `partly`: those that Ringfence made are gone, and others were left alone. `not_owned`: Ringfence
    made none of them, so nothing was done. What was made together is deleted together.

    Example:
        block_all:
          action: defender.import_indicators
          with:
            indicators:
              - {value: 203.0.113.7, title: Beacon, description: Seen at Contoso}
              - {value: beacon.fabrikam.com, title: Beacon, description: Seen at Contoso}
        unblock_all:
          after: block_all
          action: defender.delete_indicators
          with: {indicators: "${steps.block_all.items[].id}"}
    """
    return await _deleted(context, indicators)


async def _made(context: Context, indicators: list[dict[str, Json]], title: str) -> tuple[ResponseState, Result] | Wait:
    return await follow(
        context,
        _KIND,
        what="The indicator" if len(indicators) == 1 else "The indicators",
        comment=title,
        parameters={"indicators": list(indicators)},
        wait=True,
        timeout=None,
    )


async def _deleted(context: Context, indicators: list[str]) -> Result | Wait:
    responses = context.defender.responses
    if context.resumed is None:
        begun = await responses.undo_indicators(indicators, reason="A step of a playbook asked for it.")
        waiting = [state.id for state in begun if state.id]
        foreign = next((state.detail for state in begun if state.state == "not_owned"), "")
    else:
        waiting, foreign = _followed(context.resumed)
    states = [await responses.state(each) for each in waiting]
    for state in states:
        if state.state == "undo_failed":
            message = f"The indicators are not deleted yet. {state.detail}"
            advice = f"Ringfence goes on trying; follow it: `ringfence response show {state.id}`."
            raise ActionError(message, code=state.code or "undo-failed", permanent=True, advice=advice)
    if all(state.final for state in states):
        if foreign:
            context.log("warn", foreign)
        result: dict[str, Json] = {"responses": [state.to_json() for state in states], "left_alone": foreign}
        return Result(("partly" if states else "not_owned") if foreign else "success", result)
    resumed: Json = {"responses": list(waiting), "foreign": foreign}
    topics = tuple(f"response:{each}" for each in waiting)
    return Wait(until=context.now() + _SAFETY_NET, topics=topics, state=resumed)


def _followed(resumed: Json) -> tuple[list[str], str]:
    match resumed:
        case {"responses": list(waiting), "foreign": str(foreign)}:
            return [str(each) for each in waiting], foreign
    raise TypeError("A step was resumed with a state that is not its own.")


def _indicator(context: Context, given: NewIndicator) -> dict[str, Json]:
    if given.action == "Audit" and not given.generate_alert:
        message = f"{given.value[:80]!r}: Audit without an alert does nothing."
        advice = "Set generate_alert to true, or choose another action."
        raise ActionError(message, code="invalid-inputs", permanent=True, advice=advice)
    if given.expires_after is not None and given.expires_at is not None:
        message = f"{given.value[:80]!r} has two ends."
        advice = "Give expires_after or expires_at, not both."
        raise ActionError(message, code="invalid-inputs", permanent=True, advice=advice)
    ends = given.expires_at and in_zone(given.expires_at)
    if given.expires_after is not None:
        ends = context.now() + given.expires_after.timedelta
    return {
        "indicator_value": given.value.strip(),
        "indicator_type": given.kind or recognised(given.value.strip()),
        "action": given.action,
        "title": given.title,
        "description": given.description,
        "severity": given.severity,
        "expiration_time": ends.isoformat() if ends is not None else None,
        "recommended_actions": given.recommended_actions,
        "rbac_group_names": list(given.device_groups) if given.device_groups is not None else None,
        "generate_alert": given.generate_alert if given.action != "Allowed" else None,
    }


def recognised(value: str) -> Kind:
    """Tell what a value is; a hash of 40 digits is taken for a file's, ActionError for what is nothing of all this."""
    if len(value) in _HASHES and re.fullmatch(r"[0-9A-Fa-f]+", value):
        return _HASHES[len(value)]
    try:
        ipaddress.ip_address(value)
    except ValueError:
        pass
    else:
        return "IpAddress"
    if "://" in value or (re.fullmatch(r"[^/\s]+\.[^/\s]+/\S*", value) and not re.fullmatch(r"[0-9.]+/[0-9]+", value)):
        return "Url"
    if re.fullmatch(r"(?!-)[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})+\.?", value):
        return "DomainName"
    message = f"{value[:80]!r} is no hash, address, domain or URL."
    advice = "Correct the value, or say by `type` what it is; ranges of addresses are not possible."
    raise ActionError(message, code="invalid-inputs", permanent=True, advice=advice)
