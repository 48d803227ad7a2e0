"""Work on alerts of the organization's own queue: read, assign, comment, classify, resolve; Defender is kept in step.

What is written is remembered before it is sent, so that its echo in the next poll starts nothing.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Effect, Json, Release

connector = Connector(
    "alert",
    title="Alerts",
    version="1.0.0",
    description="Work on alerts of the organization's own queue; Defender is kept in step.",
    category="Response",
    releases=(
        Release(
            "1.0.0",
            "2026-11-22",
            "First release: assign, comment on, classify and close alerts in Defender, knowing our own echo.",
        ),
    ),
)

Alert = Annotated[
    str | None, Field(description="Our id of the alert, or Defender's; the one that started the run if left out.")
]
Status = Annotated[Literal["New", "InProgress", "Resolved"] | None, Field(description="The new status.")]
Classification = Literal["TruePositive", "InformationalExpectedActivity", "FalsePositive"]
Determination = Annotated[
    str | None, Field(description="The finer reason, as Defender names it, e.g. Malware or SecurityTesting.")
]
Comment = Annotated[
    str | None, Field(description="A comment to add, once.", min_length=1, json_schema_extra={"format": "multi-line"})
]

_WRITES: dict[str, Any] = {
    "effect": Effect.WRITE,
    "operations": ("update_alert", "get_alert"),
    "permissions": ("Alert.ReadWrite.All",),
    "repeatable": True,
}


@connector.action(effect=Effect.READ)
async def get(context: Context, alert: Alert = None) -> Json:
    """Read an alert of the queue as it is now, in the form that all sources share.

    Example:
        now:
          action: alert.get
          with: {alert: "${trigger.alert.id}"}
    """
    found = await context.alerts.find(alert)
    return {**found.document, "queue_id": found.id, "account": found.account}


@connector.action(**_WRITES)
async def update(
    context: Context,
    alert: Alert = None,
    status: Status = None,
    assigned_to: Annotated[str | None, Field(description="The new owner, e.g. soc@contoso.com.")] = None,
    classification: Annotated[Classification | None, Field(description="What the alert turned out to be.")] = None,
    determination: Determination = None,
    comment: Comment = None,
) -> Json:
    """Change an alert, or comment on it; what is left out stays as it is.

    Example:
        take_it:
          action: alert.update
          with: {status: InProgress, assigned_to: soc@contoso.com}
    """
    return await _change(
        context,
        alert,
        status=status,
        assigned_to=assigned_to,
        classification=classification,
        determination=determination,
        comment=comment,
    )


@connector.action(**_WRITES)
async def assign(
    context: Context,
    to: Annotated[str, Field(description="Who works on it from now on, e.g. soc@contoso.com.", min_length=1)],
    alert: Alert = None,
) -> Json:
    """Give an alert to somebody.

    Example:
        assign:
          action: alert.assign
          with: {to: soc@contoso.com}
    """
    return await _change(context, alert, assigned_to=to)


@connector.action(**_WRITES)
async def comment(
    context: Context,
    text: Annotated[str, Field(description="The comment.", min_length=1, json_schema_extra={"format": "multi-line"})],
    alert: Alert = None,
) -> Json:
    """Comment on an alert, once.

    Example:
        say:
          action: alert.comment
          with: {text: "${trigger.alert.computerDnsName} was looked at."}
    """
    return await _change(context, alert, comment=text)


@connector.action(**_WRITES)
async def classify(
    context: Context,
    classification: Annotated[Classification, Field(description="What the alert turned out to be.")],
    determination: Determination = None,
    alert: Alert = None,
) -> Json:
    """Say what an alert turned out to be.

    Example:
        harmless:
          action: alert.classify
          with: {classification: InformationalExpectedActivity, determination: SecurityTesting}
    """
    return await _change(context, alert, classification=classification, determination=determination)


@connector.action(**_WRITES)
async def resolve(
    context: Context,
    classification: Annotated[Classification | None, Field(description="What the alert turned out to be.")] = None,
    determination: Determination = None,
    comment: Comment = None,
    alert: Alert = None,
) -> Json:
    """Resolve an alert, and say what it turned out to be.

    Example:
        done:
          action: alert.resolve
          with: {classification: TruePositive, determination: Malware, comment: The host is contained.}
    """
    return await _change(
        context,
        alert,
        status="Resolved",
        classification=classification,
        determination=determination,
        comment=comment,
    )


async def _change(context: Context, alert: str | None, **changes: str | None) -> Json:
    if all(value is None for value in changes.values()):
        raise _cannot("There is nothing to change on the alert.", "nothing-to-do", "Give at least one thing to change.")
    found = await context.alerts.find(alert)
    if not found.changeable:
        advice = "Change it through Graph: graph_security.update_alert."
        raise _cannot("This alert is of another product than Defender for Endpoint.", "other-product", advice)
    if not found.mine:
        advice = "Let a playbook whose trigger names that account change it."
        raise _cannot(f"This alert belongs to the account {found.account}.", "other-account", advice)
    await context.defender.write("update_alert", key=context.step_key, alert_id=found.alert_id, **changes)
    said = ", ".join(name for name, value in changes.items() if value is not None)
    context.log("info", f"Changed of the alert: {said}.", alert=found.alert_id)
    written: dict[str, Json] = {name: value for name, value in changes.items() if value is not None}
    return {"alert": found.alert_id, "queue_id": found.id, "changed": written}


def _cannot(message: str, code: str, advice: str) -> ActionError:
    return ActionError(message, code=code, permanent=True, advice=advice)
