"""Cut a host off and let it go again, through policy and with confirmation; and find those that were forgotten.

The first two ask once, under the step's key, and then wait for Defender to confirm; nothing is called contained or
released before that.
"""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    ContainmentState,
    Context,
    Duration,
    Effect,
    Json,
    Release,
    Result,
    Wait,
    fitting,
)

connector = Connector(
    "containment",
    title="Containment",
    version="1.0.0",
    description="Isolate hosts through the organization's policy, confirm it, and release what is ours.",
    category="Response",
    releases=(
        Release(
            "1.0.0",
            "2026-11-22",
            "First release: contain through policy, confirm by a second look, and release what is ours.",
        ),
    ),
)

_REFUSED = frozenset({"denied", "rejected", "expired"})
_SAFETY_NET = timedelta(minutes=5)
_A_DAY = Duration.parse("24 h")
_LONGEST_REPORT = 4_500


@connector.action(
    effect=Effect.CONTAIN,
    permissions=("Machine.Isolate", "Machine.Read.All"),
    undo="containment.release",
    outcomes=("success", "denied", "not_needed"),
    repeatable=True,
)
async def contain(
    context: Context,
    machine: Annotated[
        str, Field(description="The Defender id of the machine, or its exact name or address.", min_length=1)
    ],
    reason: Annotated[str, Field(description="Why, for the audit log and Defender's own record.", min_length=1)],
    isolation: Annotated[
        Literal["Full", "Selective"],
        Field(alias="type", description="Full, or Selective to keep Outlook and Teams working."),
    ] = "Full",
    auto_release: Annotated[
        Duration | None, Field(description="Let the host go by itself after this time, e.g. 24 h.")
    ] = None,
    alert: Annotated[str | None, Field(description="The id of the alert that is the reason.")] = None,
) -> Result | Wait:
    """Isolate a host if policy allows it, and wait until Defender confirms that it is cut off.

    `success`: confirmed. `denied`: policy, an approver or silence said no; the host was not touched. `not_needed`: the
    host is already cut off by somebody else, or Defender has already dealt with it. Everything else is an error.

    Example:
        isolate:
          action: containment.contain
          with: {machine: "${trigger.alert.machineId}", type: Full, auto_release: 24 h, reason: "${trigger.alert.title}"}
    """
    if context.resumed is None:
        state = await context.containment.request(
            machine=machine,
            isolation_type=isolation,
            reason=reason,
            auto_release=auto_release.seconds if auto_release else None,
            alert_id=alert,
            key=context.step_key,
        )
        context.log("info", f"Containment of {state.machine_name} is {state.state}.", containment=state.id)
    else:
        state = await context.containment.state(_id(context.resumed))
    if state.contained:
        return Result("success", state.to_json())
    if state.state in _REFUSED:
        return Result("denied", state.to_json())
    if state.state == "not_needed":
        return Result("not_needed", state.to_json())
    if state.final:
        message = f"{state.machine_name} was not contained: {state.state}. {state.detail}".strip()
        advice = "Look at the containment's history on the board; contain by hand if the host is still a danger."
        raise ActionError(message, code="not-contained", permanent=True, advice=advice)
    return _wait(context, state)


@connector.action(
    effect=Effect.CONTAIN,
    permissions=("Machine.Isolate", "Machine.Read.All"),
    undo="containment.contain",
    outcomes=("success", "not_owned", "still_held"),
    repeatable=True,
)
async def release(
    context: Context,
    machine: Annotated[
        str,
        Field(description="The machine's Defender id or exact name, or the id of a containment.", min_length=1),
    ],
    reason: Annotated[str, Field(description="Why, for the audit log and Defender's own record.", min_length=1)],
) -> Result | Wait:
    """Let a host go that we contained, and wait until Defender confirms it.

    `success`: confirmed. `not_owned`: no containment of ours holds the host, so nothing was done. `still_held`: ours
    let go, but another incident keeps the host cut off.

    Example:
        release:
          action: containment.release
          with: {machine: "${trigger.alert.machineId}", reason: Investigated and clean}
    """
    if context.resumed is None:
        state = await context.containment.release(target=machine, reason=reason, key=context.step_key)
        context.log("info", f"Release of {state.machine_name} is {state.state}.", containment=state.id)
    else:
        state = await context.containment.state(_id(context.resumed))
    if state.state == "released":
        return Result("success", state.to_json())
    if state.state == "still_held":
        return Result("still_held", state.to_json())
    if state.state in ("not_owned", "superseded"):
        return Result("not_owned", state.to_json())
    if state.final:
        message = f"{state.machine_name} was not released: {state.state}. {state.detail}".strip()
        advice = "Look at the containment's history on the board and release by hand."
        raise ActionError(message, code="not-released", permanent=True, advice=advice)
    return _wait(context, state)


@connector.action(effect=Effect.READ, outcomes=("found", "none"))
async def orphans(
    context: Context,
    older_than: Annotated[Duration, Field(description="Only those isolated for longer than this, e.g. 24 h.")] = _A_DAY,
) -> Result:
    """Find hosts that are isolated, whoever isolated them, and that nobody is bound to come back to.

    `found`: there are some; `hosts` has their names, since when, by whom, why nobody comes back and whom to ask, and `report`
    the same as lines of text. `none`: there are none. A host has somebody where an open incident with an owner is about it,
    a run holds it that still goes on, or a timer will let it go.

    Example:
        lost:
          action: containment.orphans
          with: {older_than: 12 h}
    """
    hosts = await context.containment.orphans(older_than=older_than.seconds)
    kept = fitting(hosts)
    return Result("found" if hosts else "none", {"count": len(hosts), "hosts": kept, "report": _report(hosts)})


def _report(hosts: list[Json]) -> str:
    """Say it in lines that fit into one message."""
    lines = [_line(each) for each in hosts if isinstance(each, dict)]
    shown, left = [], _LONGEST_REPORT
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        shown.append(line)
    more = len(lines) - len(shown)
    return "\n".join([*shown, *([f"… and {more} more."] if more else [])])


def _line(host: dict[str, Json]) -> str:
    since = f"isolated by {host.get('isolated_by')} for {host.get('hours')} h"
    return f"{host.get('machine_name')} ({host.get('account')}): {since}; {host.get('why')}. Ask {host.get('ask')}."


def _wait(context: Context, state: ContainmentState) -> Wait:
    # The topic wakes at once; the time is for a change whose announcement was lost.
    return Wait(until=context.now() + _SAFETY_NET, topics=(f"containment:{state.id}",), state={"containment": state.id})


def _id(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(found := resumed.get("containment"), str):
        return found
    raise TypeError("A containment step was resumed with a state that is not its own.")
