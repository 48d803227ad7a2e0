"""Do something on a host: look at Defender first, announce, send once, find a lost reply, follow it to its end."""

from datetime import datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.containment.history import find_ours, marker, owner_of
from ringfence.containment.reach import CREDENTIAL_REFUSED, Rest, code, sentence, surely_lost
from ringfence.defender.errors import ActiveRequestAlreadyExists, BadRequest, DefenderError, ReplyLost
from ringfence.defender.wire import ActionStatus, ActionType, MachineAction
from ringfence.responses import claims, deciding
from ringfence.responses.kinds import Kind
from ringfence.responses.model import Response, State
from ringfence.responses.reach import FORGET_AFTER, FRESH, Next, Reach
from ringfence.storage import Transaction


async def submit(reach: Reach, response: Response) -> Next:
    """Send an approved response, unless something is in the way or it is done already."""
    kind = _type(response)
    history = await reach.history(response)
    if ours := find_ours(history, kind, response.key):
        return await _accepted(reach, response, ours)
    sent_at = response.submitted_at
    if sent_at is not None and (over := await given_up(reach, response, sent_at)):
        return over
    for action in (each for each in history if not each.is_final):
        detail = f"{_named(action)} by {owner_of(action)} is in progress on this host; waiting for it before deciding."
        return reach.again(response, detail, since=response.decided_at)
    if (theirs := in_effect(history, response)) is not None:
        detail = f"Already done by {owner_of(theirs)}; it is theirs to take back."
        return await reach.move(
            response, State.NOT_NEEDED, detail, facts={"machine_action": theirs.raw}, made=theirs.raw
        )
    if (denied := await reconsidered(reach, response)) is not None:
        return denied
    announced = await reach.database.run(lambda tx: announce(tx, response))
    if announced.state is not State.SUBMITTING:
        return announced
    try:
        action = await reach.send(announced.submitted_at, lambda: _request(reach, announced))
    except (ReplyLost, TimeoutError):
        return reach.again(response, "Defender's reply was lost; looking whether it was accepted.")
    except ActiveRequestAlreadyExists:
        return await not_sent(
            reach, announced, "Defender says that such an action on this host is already in progress."
        )
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            detail = f"Defender refused it. {sentence(error)}"
            return await reach.move(announced, State.FAILED, detail, facts={"error": error.code})
        # Not accepted, for a reason that the driver knows how to wait out: from `approved` it is tried again.
        await not_sent(reach, announced, "Defender did not accept it.")
        raise
    if find_ours([action], kind, announced.key) is None:
        # The service may answer a duplicate with the action that is pending already, which is somebody else's.
        return await not_sent(reach, announced, f"{_named(action)} by {owner_of(action)} is in progress on this host.")
    return await _accepted(reach, announced, action)


async def find_submitted(reach: Reach, response: Response) -> Next:
    """Look whether Defender has what was sent and got no reply."""
    if ours := find_ours(await reach.history(response), _type(response), response.key):
        return await _accepted(reach, response, ours)
    if not surely_lost(response.submitted_at):
        return reach.again(response, "Looking whether Defender accepted it.")
    return await reach.move(response, State.APPROVED, "Defender has no trace of it, so it was never accepted.")


async def confirm(reach: Reach, response: Response) -> Next:
    """Follow what Defender accepted to its end; cancel it where it is too late or not wanted any more."""
    assert response.action_id is not None
    action = await reach.client.get_machine_action(response.action_id)
    if action.is_final:
        return await _ended(reach, response, action)
    withdrawn = clock.now() >= response.deadline_at
    # Once it runs on the device, the decision did not come too late: a scan may take hours.
    late = withdrawn and action.status == ActionStatus.PENDING
    if late or response.undo_requested_at is not None:
        why = "It is not wanted any more" if response.undo_requested_at is not None else "The decision is too old"
        try:
            action = await reach.client.cancel_machine_action(action.id, comment=f"{why}. {marker(response.key)}")
        except BadRequest:
            # It has ended since it was read, perhaps by taking effect.
            action = await reach.client.get_machine_action(action.id)
        if action.is_final:
            return await _ended(reach, response, action)
    return reach.again(response, f"Defender has it as {action.status}.", since=response.accepted_at)


async def given_up(reach: Reach, response: Response, sent_at: datetime) -> Next | None:
    """End what may have been sent once and left no trace, where it is not wanted any more."""
    unwanted = response.undo_requested_at is not None
    if not unwanted and clock.now() < response.deadline_at:
        return None
    if clock.now() < sent_at + FORGET_AFTER:
        detail = "No longer wanted; looking whether what was lost shows up after all."
        return reach.again(response, detail, since=sent_at)
    if unwanted:
        return await reach.move(response, State.CANCELLED, "Cancelled; Defender has no trace of it.")
    detail = "The decision's deadline passed, and Defender has no trace of it."
    return await reach.move(response, State.WITHDRAWN, detail)


async def reconsidered(reach: Reach, response: Response) -> Response | None:
    """Decide again what was decided long ago; None if it is still allowed."""
    if response.decided_at is not None and clock.now() <= response.decided_at + FRESH:
        return None
    machine = await reach.machine(response)
    known = await reach.live(response, machine)
    return await reach.database.run(lambda tx: deciding.still_allowed(tx, response, machine, known))


async def not_sent(reach: Reach, response: Response, detail: str) -> Rest:
    """Go back to where it can be tried again."""
    await reach.move(response, State.APPROVED, detail)
    return reach.again(response, detail)


def announce(tx: Transaction, response: Response) -> Response:
    """Write that it is being sent, unless it is not wanted any more or the kill switch was thrown meanwhile."""
    fresh = claims.mine(tx, response)
    if fresh.undo_requested_at is not None:
        return claims.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
    if deciding.frozen(tx, fresh):
        return claims.move(tx, fresh, State.DENIED, "The kill switch was thrown before it was sent to Defender.")
    return claims.move(tx, fresh, State.SUBMITTING, "Sending it to Defender.", submitted_at=clock.now())


def in_effect(history: list[MachineAction], response: Response) -> MachineAction | None:
    """Return the action of somebody else by which what is wanted is so already; only what can be undone stays so."""
    if response.traits.undo_type is None:
        return None
    last = last_success(history)
    return last if last is not None and last.type == response.traits.type else None


def last_success(history: list[MachineAction]) -> MachineAction | None:
    """Return what finished last: actions can finish in another order than they were made."""
    done = [each for each in history if each.status == ActionStatus.SUCCEEDED]
    return max(done, key=_finished_at, default=None)


def _finished_at(action: MachineAction) -> tuple[float, float]:
    made = action.creation_date_time_utc
    ended = action.last_update_date_time_utc or made
    return (ended.timestamp() if ended else 0.0, made.timestamp() if made else 0.0)


def _type(response: Response) -> ActionType:
    kind = response.traits.type
    assert kind is not None
    return kind


_WORDS = {
    ActionType.RESTRICT_CODE_EXECUTION: "A restriction of apps",
    ActionType.UNRESTRICT_CODE_EXECUTION: "A lifting of the app restriction",
    ActionType.OFFBOARD: "An offboarding",
    ActionType.RUN_ANTIVIRUS_SCAN: "An antivirus scan",
    ActionType.STOP_AND_QUARANTINE_FILE: "A quarantine of this file",
    ActionType.COLLECT_INVESTIGATION_PACKAGE: "A collection of an investigation package",
}


def _named(action: MachineAction) -> str:
    return next((words for kind, words in _WORDS.items() if action.type == kind), "Another action")


async def _request(reach: Reach, response: Response) -> MachineAction:
    assert response.machine_id is not None
    client, machine_id, key = reach.client, response.machine_id, response.key
    comment = f"{response.reason} {marker(key)}"
    match response.kind:
        case Kind.RESTRICT:
            return await client.restrict_code_execution(machine_id, comment=comment, external_id=key)
        case Kind.QUARANTINE:
            sha1 = response.parameters["sha1"]
            return await client.stop_and_quarantine_file(machine_id, sha1, comment=comment, external_id=key)
        case Kind.OFFBOARD:
            return await client.offboard_machine(machine_id, comment=comment, external_id=key)
        case Kind.SCAN:
            scan = response.parameters["scan"]
            return await client.run_av_scan(machine_id, comment=comment, scan_type=scan, external_id=key)
        case Kind.PACKAGE:
            return await client.collect_investigation_package(machine_id, comment=comment, external_id=key)
        case Kind.INDICATORS:
            raise TypeError("Indicators are no machine action.")


async def _accepted(reach: Reach, response: Response, action: MachineAction) -> Response:
    return await reach.move(
        response,
        State.PENDING,
        f"Defender accepted it and has it as {action.status}.",
        facts={"machine_action": action.raw},
        action_id=action.id,
        made=action.raw,
        accepted_at=clock.now(),
    )


async def _ended(reach: Reach, response: Response, action: MachineAction) -> Response:
    more: dict[str, Any] = {"facts": {"machine_action": action.raw}, "made": action.raw}
    match action.status:
        case ActionStatus.SUCCEEDED:
            return await reach.database.run(lambda tx: _done(tx, response, action))
        case ActionStatus.TIME_OUT:
            detail = "The device did not answer Defender in time; nothing was confirmed."
            return await reach.move(response, State.TIMED_OUT, detail, **more)
        case ActionStatus.CANCELLED:
            if marker(response.key) not in (action.cancellation_comment or ""):
                who = action.cancellation_requestor or "somebody in Defender"
                why = f": {action.cancellation_comment}" if action.cancellation_comment else "."
                return await reach.move(response, State.CANCELLED, f"Cancelled by {who}{why}", **more)
            if response.undo_requested_at is not None:
                return await reach.move(
                    response, State.CANCELLED, "Cancelled on request before it took effect.", **more
                )
            detail = "The device did not take it before the decision's deadline, so it was withdrawn."
            return await reach.move(response, State.WITHDRAWN, detail, **more)
    return await reach.move(response, State.FAILED, f"Defender reports that it failed{code(action)}.", **more)


def _done(tx: Transaction, response: Response, action: MachineAction) -> Response:
    # Read anew: another may have joined, and changed the timer, since the response was claimed.
    fresh = claims.mine(tx, response)
    now = clock.now()
    after = fresh.undo_after
    late = ", after the deadline of the decision had passed" if now > fresh.deadline_at else ""
    return claims.move(
        tx,
        fresh,
        State.DONE,
        f"Defender confirmed it{late}.",
        facts={"machine_action": action.raw},
        made=action.raw,
        done_at=now,
        ends_at=now + timedelta(seconds=after) if after is not None else None,
    )
