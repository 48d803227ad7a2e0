"""Indicators: files, addresses, domains and certificates that Defender blocks, warns of, watches for or allows."""

import ipaddress
import re
from datetime import datetime
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions import ActionError, Context, Duration, Effect, Json, Result, where
from ringfence.connectors.defender import connector
from ringfence.connectors.defender.answers import in_zone, listed
from ringfence.connectors.defender.inputs import Condition, Limit

_PERMISSIONS = ("Ti.ReadWrite",)
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
    operations=("submit_indicator",),
    permissions=_PERMISSIONS,
    undo="defender.delete_indicator",
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
) -> Json:
    """Make Defender block, warn of, watch for or allow a value, and give the indicator; one that exists is updated.

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
    return await context.defender.write("submit_indicator", key=context.step_key, indicator=indicator)


@connector.action(
    effect=Effect.WRITE,
    operations=("import_indicators",),
    permissions=_PERMISSIONS,
    undo="defender.delete_indicators",
    outcomes=("success", "partly"),
    repeatable=True,
)
async def import_indicators(
    context: Context,
    indicators: Annotated[
        list[NewIndicator], Field(description="The indicators, 1 to 500.", min_length=1, max_length=500)
    ],
) -> Result:
    """Create or update up to 500 indicators at once; each result names the value and says whether it failed, and why.

    `success`: Defender took all of them. `partly`: it refused some of them; `failed` lists those.

    Example:
        block_all:
          action: defender.import_indicators
          with:
            indicators:
              - {value: 203.0.113.7, title: Beacon, description: Seen at Contoso, expires_after: 30 d}
              - {value: beacon.fabrikam.com, title: Beacon, description: Seen at Contoso, severity: High}
    """
    made = await context.defender.write(
        "import_indicators", key=context.step_key, indicators=[_indicator(context, each) for each in indicators]
    )
    results = [each for each in (made if isinstance(made, list) else []) if isinstance(each, dict)]
    failed = [each for each in results if each.get("isFailed")]
    output: dict[str, Json] = {"items": list(results), "failed": list(failed)}
    return Result("partly" if failed else "success", output)


@connector.action(
    effect=Effect.WRITE,
    operations=("delete_indicator",),
    permissions=_PERMISSIONS,
    repeatable=True,
)
async def delete_indicator(context: Context, indicator: IndicatorId) -> Json:
    """Delete an indicator; `deleted` is false if there was none.

    Example:
        block:
          action: defender.submit_indicator
          with: {value: 203.0.113.7, title: Beacon, description: Seen at Contoso}
        unblock:
          after: block
          action: defender.delete_indicator
          with: {indicator: "${steps.block.id}"}
    """
    return await context.defender.write("delete_indicator", key=context.step_key, indicator_id=indicator)


@connector.action(
    effect=Effect.WRITE,
    operations=("batch_delete_indicators",),
    permissions=_PERMISSIONS,
    repeatable=True,
)
async def delete_indicators(
    context: Context,
    indicators: Annotated[
        list[IndicatorId], Field(description="The ids of the indicators, 1 to 500.", min_length=1, max_length=500)
    ],
) -> Json:
    """Delete up to 500 indicators at once; `deleted` is false where Defender did not know all of them.

    Example:
        block_all:
          action: defender.import_indicators
          with:
            indicators: [{value: 203.0.113.7, title: Beacon, description: Seen at Contoso}]
        unblock_all:
          after: block_all
          action: defender.delete_indicators
          with: {indicators: "${steps.block_all.items[].id}"}
    """
    return await context.defender.write("batch_delete_indicators", key=context.step_key, indicator_ids=indicators)


def _indicator(context: Context, given: NewIndicator) -> dict[str, object]:
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
        "expiration_time": ends,
        "recommended_actions": given.recommended_actions,
        "rbac_group_names": given.device_groups,
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
