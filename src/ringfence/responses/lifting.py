"""Keep an eye on a restriction, and lift it again: ours only, once, confirmed, and tried until it succeeds."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ringfence import clock
from ringfence.containment.history import find_ours, is_of, marker, owner_of
from ringfence.containment.reach import CREDENTIAL_REFUSED, Rest, code, sentence, surely_lost
from ringfence.containment.rounds import next_round
from ringfence.defender.errors import ActiveRequestAlreadyExists, DefenderError, ReplyLost
from ringfence.defender.wire import ActionStatus, ActionType, MachineAction
from ringfence.responses.acting import last_success
from ringfence.responses.model import Response, State
from ringfence.responses.reach import Next, Reach

# How often what is in effect is looked at, to see whether somebody outside took it back.
WATCH = timedelta(minutes=30)
LONGEST_PAUSE = 300.0


async def watch(reach: Reach, response: Response) -> Next:
    """Look whether somebody outside lifted the restriction; rest until the next look, or its timer."""
    history = await reach.history(response)
    last = last_success(history)
    if last is not None and last.type == ActionType.UNRESTRICT_CODE_EXECUTION:
        detail = f"{owner_of(last)} lifted the restriction."
        return await reach.move(response, State.SUPERSEDED, detail, facts={"machine_action": last.raw})
    until = next_round(response.account_id, WATCH.total_seconds())
    return Rest(min(until, response.ends_at or until), "Defender confirmed it.")


async def lift(reach: Reach, response: Response) -> Next:
    """Lift the restriction, unless it is no longer ours."""
    assert response.machine_id is not None
    machine_id = response.machine_id
    if response.undo_action_id is not None:
        return await _confirm(reach, response)
    history = await reach.history(response)
    if ours := find_ours(history, ActionType.UNRESTRICT_CODE_EXECUTION, response.undo_key):
        return await _accepted(reach, response, ours)
    for action in (each for each in history if not each.is_final):
        what = "A lifting" if action.type == ActionType.UNRESTRICT_CODE_EXECUTION else "Another restriction"
        detail = f"{what} on this host by {owner_of(action)} is in progress; waiting for it."
        return reach.again(response, detail, since=action.creation_date_time_utc)
    last = last_success(history)
    if last is not None and last.id != response.action_id:
        if not is_of(last, response.id):
            what = (
                "lifted the restriction"
                if last.type == ActionType.UNRESTRICT_CODE_EXECUTION
                else "restricted the host again"
            )
            detail = f"Meanwhile {owner_of(last)} {what}, so it is not ours to lift."
            return await reach.move(response, State.SUPERSEDED, detail, facts={"machine_action": last.raw})
        if last.type == ActionType.UNRESTRICT_CODE_EXECUTION:
            return await _accepted(reach, response, last)
    if response.undo_submitted_at is not None and not surely_lost(response.undo_submitted_at):
        return reach.again(response, "Looking whether Defender accepted the lifting.")
    announced = await reach.note(response, undo_submitted_at=clock.now())
    comment = f"Lifted by Ringfence. {marker(announced.undo_key)}"
    try:
        action = await reach.send(
            announced.undo_submitted_at,
            lambda: reach.client.unrestrict_code_execution(machine_id, comment=comment, external_id=announced.undo_key),
        )
    except (ReplyLost, TimeoutError):
        return reach.again(response, "Defender's reply was lost; looking whether the lifting was accepted.")
    except ActiveRequestAlreadyExists:
        await reach.note(announced, undo_submitted_at=None)
        return reach.again(response, "Defender says that an action on this host is already in progress.")
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            return await undo_failed(
                reach, announced, f"Defender refused the lifting. {sentence(error)}", facts={"error": error.code}
            )
        await reach.note(announced, undo_submitted_at=None)
        raise
    if find_ours([action], ActionType.UNRESTRICT_CODE_EXECUTION, announced.undo_key) is None:
        await reach.note(announced, undo_submitted_at=None)
        return reach.again(response, f"A lifting by {owner_of(action)} is in progress; waiting for it.")
    return await _accepted(reach, announced, action)


async def undo_failed(reach: Reach, response: Response, why: str, *, facts: Mapping[str, Any] | None = None) -> Rest:
    """Write that undoing failed, and try again, later each time."""
    failures = response.attempts + 1
    pause = min(reach.interval * 2.0 ** min(failures, 10), LONGEST_PAUSE)
    failed = await reach.move(
        response,
        State.UNDO_FAILED,
        f"{why} It is still in effect; trying again in {pause:.0f} s.",
        facts=facts,
        attempts=failures,
        undo_action_id=None,
        undo_submitted_at=None,
    )
    return Rest(clock.now() + timedelta(seconds=pause), failed.detail)


async def _accepted(reach: Reach, response: Response, action: MachineAction) -> Response:
    detail = f"Defender accepted the lifting and has it as {action.status}."
    return await reach.note(response, undo_action_id=action.id, detail=detail)


async def _confirm(reach: Reach, response: Response) -> Next:
    assert response.undo_action_id is not None
    action = await reach.client.get_machine_action(response.undo_action_id)
    facts = {"machine_action": action.raw}
    if action.status == ActionStatus.SUCCEEDED:
        detail = "Defender confirmed that the restriction is lifted."
        return await reach.move(response, State.UNDONE, detail, facts=facts, undone_at=clock.now())
    if not action.is_final:
        return reach.again(response, f"Defender has the lifting as {action.status}.", since=response.undo_submitted_at)
    why = f"Defender reports the lifting as {action.status}{code(action)}."
    return await undo_failed(reach, response, why, facts=facts)
