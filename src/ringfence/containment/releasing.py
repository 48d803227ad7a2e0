"""Let a host go: only what is ours, announced and sent once, tried again until Defender confirms it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from ringfence import clock
from ringfence.containment.history import find_ours, is_of, isolated_by_others, marker, observe, owner_of
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import CREDENTIAL_REFUSED, Next, Reach, Rest, code, sentence, surely_lost
from ringfence.defender.errors import ActiveRequestAlreadyExists, DefenderError, ReplyLost
from ringfence.defender.wire import ActionStatus, ActionType, MachineAction

_LONGEST_PAUSE = 300.0


async def release(reach: Reach, containment: Containment) -> Next:
    """Let go of a host that is ours, unless somebody outside did something to it meanwhile; try until it is confirmed."""
    assert containment.machine_id is not None
    machine_id = containment.machine_id
    if containment.release_action_id is not None:
        return await _confirm_release(reach, containment)
    history = await reach.history(machine_id)
    if ours := find_ours(history, ActionType.UNISOLATE, containment.release_key):
        return await _release_accepted(reach, containment, ours)
    seen = observe(history)
    for action in seen.open:
        what = "A release" if action.type == ActionType.UNISOLATE else "Another isolation"
        detail = f"{what} of this host by {owner_of(action)} is in progress; waiting for it."
        return reach.again(containment, detail, since=action.creation_date_time_utc)
    if seen.by is not None and seen.by.id != containment.isolate_action_id:
        if not is_of(seen.by, containment.id):
            what = "released" if seen.by.type == ActionType.UNISOLATE else "isolated again"
            detail = f"Meanwhile {owner_of(seen.by)} {what} the host, so it is not ours to release."
            facts = {"machine_action": seen.by.raw}
            return await reach.move(containment, State.SUPERSEDED, detail, facts=facts)
        if seen.by.type == ActionType.UNISOLATE:
            return await _release_accepted(reach, containment, seen.by)
    # Ours may have been made first and finished last: theirs is in force all the same.
    if (theirs := isolated_by_others(history)) is not None:
        detail = f"Meanwhile {owner_of(theirs)} isolated the host too, so it is not ours to release."
        return await reach.move(containment, State.SUPERSEDED, detail, facts={"machine_action": theirs.raw})
    if containment.release_submitted_at is not None and not surely_lost(containment.release_submitted_at):
        return reach.again(containment, "Looking whether Defender accepted the release.")
    announced = await reach.note(containment, release_submitted_at=clock.now())
    try:
        action = await reach.send(
            announced.release_submitted_at,
            lambda: reach.client.unisolate_machine(
                machine_id,
                comment=f"Released by Ringfence. {marker(announced.release_key)}",
                external_id=announced.release_key,
            ),
        )
    except (ReplyLost, TimeoutError):
        return reach.again(containment, "Defender's reply was lost; looking whether the release was accepted.")
    except ActiveRequestAlreadyExists:
        await reach.note(announced, release_submitted_at=None)
        return reach.again(containment, "Defender says that an action on this host is already in progress.")
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            return await _release_failed(reach, announced, f"Defender refused the release. {sentence(error)}")
        await reach.note(announced, release_submitted_at=None)
        raise
    if find_ours([action], ActionType.UNISOLATE, announced.release_key) is None:
        await reach.note(announced, release_submitted_at=None)
        return reach.again(containment, f"A release of this host by {owner_of(action)} is in progress; waiting for it.")
    return await _release_accepted(reach, announced, action)


async def _release_accepted(reach: Reach, containment: Containment, action: MachineAction) -> Containment:
    detail = f"Defender accepted the release and has it as {action.status}."
    return await reach.note(containment, release_action_id=action.id, detail=detail)


async def _confirm_release(reach: Reach, containment: Containment) -> Next:
    assert containment.release_action_id is not None
    action = await reach.action(containment.release_action_id)
    facts = {"machine_action": action.raw}
    if action.status == ActionStatus.SUCCEEDED:
        detail = "Defender confirmed the release."
        return await reach.move(containment, State.RELEASED, detail, facts=facts, released_at=clock.now())
    if not action.is_final:
        return reach.again(
            containment, f"Defender has the release as {action.status}.", since=containment.release_submitted_at
        )
    return await _release_failed(
        reach, containment, f"Defender reports the release as {action.status}{code(action)}.", facts=facts
    )


async def _release_failed(
    reach: Reach, containment: Containment, why: str, *, facts: Mapping[str, Any] | None = None
) -> Rest:
    failures = containment.attempts + 1
    pause = min(reach.interval * 2.0 ** min(failures, 10), _LONGEST_PAUSE)
    failed = await reach.move(
        containment,
        State.RELEASE_FAILED,
        f"{why} The host is still cut off; trying again in {pause:.0f} s.",
        facts=facts,
        attempts=failures,
        release_action_id=None,
        release_submitted_at=None,
    )
    return Rest(clock.now() + timedelta(seconds=pause), failed.detail)
