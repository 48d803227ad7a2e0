"""Cut a host off: look at Defender first, announce, send once, find a lost reply, follow it to its end."""

from datetime import datetime, timedelta

from ringfence import clock
from ringfence.containment import claims, deciding, gathering, service
from ringfence.containment.history import find_ours, marker, observe, owner_of
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import CREDENTIAL_REFUSED, Next, Reach, Rest, code, sentence, surely_lost
from ringfence.defender import looking_first
from ringfence.defender.errors import ActiveRequestAlreadyExists, BadRequest, DefenderError, ReplyLost
from ringfence.defender.wire import ActionStatus, ActionType, Machine, MachineAction
from ringfence.storage import Transaction

# What may have been sent once is forgotten only after so long without a trace, since nothing is lost by looking longer.
_FORGET_AFTER = timedelta(minutes=10)
# What was decided longer ago is decided again before it is sent.
_FRESH = timedelta(minutes=5)


class Stopped(Exception):
    """The kill switch was turned on before the request left."""


async def live(reach: Reach, containment: Containment, machine: Machine) -> gathering.Live:
    """Ask Defender what the policy of this machine wants to know beyond its record."""
    stands = await reach.database.read(lambda tx: deciding.standing(tx, containment, machine))
    return await gathering.live(reach.client, stands.effective.policy, machine.id)


async def submit(reach: Reach, containment: Containment) -> Next:
    """Isolate the host of an approved containment, unless something is in the way or it is done already."""
    assert containment.machine_id is not None
    machine_id = containment.machine_id
    history = await reach.history(machine_id)
    if ours := find_ours(history, ActionType.ISOLATE, containment.isolate_key):
        return await _accepted(reach, containment, ours)
    sent_at = containment.submitted_at
    if sent_at is not None and (over := await _given_up(reach, containment, sent_at)):
        return over
    seen = observe(history)
    for action in seen.open:
        what = "An isolation" if action.type == ActionType.ISOLATE else "A release"
        detail = f"{what} of this host by {owner_of(action)} is in progress; waiting for it before deciding."
        return reach.again(containment, detail, since=containment.decided_at)
    if seen.isolated and seen.by is not None:
        detail = f"Already isolated by {owner_of(seen.by)}; it is theirs to release."
        return await reach.move(containment, State.NOT_NEEDED, detail, facts={"machine_action": seen.by.raw})
    policy, same = await reach.database.read(lambda tx: deciding.decided_by(tx, containment))
    if policy.frozen and sent_at is not None and clock.now() < sent_at + _FORGET_AFTER:
        detail = "The kill switch is on; looking whether the lost isolation shows up after all."
        return reach.again(containment, detail, since=sent_at)
    if not same or containment.decided_at is None or clock.now() > containment.decided_at + _FRESH:
        machine = await reach.client.get_machine(machine_id)
        known = await live(reach, containment, machine)
        denied = await reach.database.run(lambda tx: deciding.still_allowed(tx, containment, machine, known))
        if denied is not None:
            return denied
    announced = await reach.database.run(lambda tx: _announce(tx, containment))
    if announced.state != State.SUBMITTING:
        return announced

    async def stopped() -> None:
        # The request may have waited for its share of the calls, or be repeated after it was refused for a while.
        stands, _ = await reach.database.read(lambda tx: deciding.decided_by(tx, announced))
        if stands.frozen:
            raise Stopped

    try:
        with looking_first(stopped):
            action = await reach.send(
                announced.submitted_at,
                lambda: reach.client.isolate_machine(
                    machine_id,
                    comment=f"{announced.reason} {marker(announced.isolate_key)}",
                    isolation_type=announced.isolation_type,
                    external_id=announced.isolate_key,
                ),
            )
    except Stopped:
        return await reach.database.run(lambda tx: _not_sent_after_all(tx, announced))
    except (ReplyLost, TimeoutError):
        return reach.again(containment, "Defender's reply was lost; looking whether the isolation was accepted.")
    except ActiveRequestAlreadyExists:
        return await _not_sent(reach, announced, "Defender says that an action on this host is already in progress.")
    except DefenderError as error:
        if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
            return await reach.move(announced, State.FAILED, f"Defender refused the isolation. {sentence(error)}")
        # Not accepted, for a reason that the driver knows how to wait out: from `approved` it is tried again.
        await _not_sent(reach, announced, "Defender did not accept the isolation.")
        raise
    if find_ours([action], ActionType.ISOLATE, announced.isolate_key) is None:
        # The service may answer a duplicate with the action that is pending already, which is somebody else's.
        return await _not_sent(reach, announced, f"An isolation of this host by {owner_of(action)} is in progress.")
    return await _accepted(reach, announced, action)


async def _given_up(reach: Reach, containment: Containment, sent_at: datetime) -> Next | None:
    """End what may have been sent once and left no trace, where it is not wanted any more."""
    unwanted = containment.release_requested_at is not None
    if not unwanted and clock.now() < containment.deadline_at:
        return None
    if clock.now() < sent_at + _FORGET_AFTER:
        return reach.again(
            containment, "No longer wanted; looking whether the lost isolation shows up after all.", since=sent_at
        )
    if unwanted:
        detail = "Cancelled; Defender has no trace of the isolation."
        return await reach.move(containment, State.CANCELLED, detail)
    detail = "The decision's deadline passed, and Defender has no trace of the isolation."
    return await reach.move(containment, State.WITHDRAWN, detail)


async def find_submitted(reach: Reach, containment: Containment) -> Next:
    """Look what became of an isolation whose reply never came."""
    assert containment.machine_id is not None
    history = await reach.history(containment.machine_id)
    if ours := find_ours(history, ActionType.ISOLATE, containment.isolate_key):
        return await _accepted(reach, containment, ours)
    if not surely_lost(containment.submitted_at):
        return reach.again(containment, "Looking whether Defender accepted the isolation.")
    return await reach.move(
        containment, State.APPROVED, "Defender has no trace of the isolation, so it was never accepted."
    )


async def _accepted(reach: Reach, containment: Containment, action: MachineAction) -> Containment:
    return await reach.move(
        containment,
        State.PENDING,
        f"Defender accepted the isolation and has it as {action.status}.",
        facts={"machine_action": action.raw},
        isolate_action_id=action.id,
        accepted_at=clock.now(),
    )


async def _not_sent(reach: Reach, containment: Containment, detail: str) -> Rest:
    await reach.move(containment, State.APPROVED, detail)
    return reach.again(containment, detail)


async def confirm(reach: Reach, containment: Containment) -> Next:
    """Follow an accepted isolation to its end; past the deadline, or unwanted, it is cancelled while it can be."""
    assert containment.isolate_action_id is not None
    action = await reach.action(containment.isolate_action_id)
    if action.is_final:
        return await _ended(reach, containment, action)
    withdrawn = clock.now() >= containment.deadline_at
    if withdrawn or containment.release_requested_at is not None:
        why = "The decision is too old to still act on" if withdrawn else "The host is not to be contained any more"
        try:
            action = await reach.client.cancel_machine_action(
                action.id, comment=f"{why}. {marker(containment.isolate_key)}"
            )
        except BadRequest:
            # It has ended since it was read, perhaps by isolating the host.
            action = await reach.client.get_machine_action(action.id)
        if action.is_final:
            return await _ended(reach, containment, action)
    return reach.again(containment, f"Defender has the isolation as {action.status}.", since=containment.accepted_at)


async def _ended(reach: Reach, containment: Containment, action: MachineAction) -> Next:
    facts = {"machine_action": action.raw}
    match action.status:
        case ActionStatus.SUCCEEDED:
            return await reach.database.run(lambda tx: _contained(tx, containment, action))
        case ActionStatus.TIME_OUT:
            detail = "The device did not answer Defender in time; no isolation was confirmed."
            return await reach.move(containment, State.TIMED_OUT, detail, facts=facts)
        case ActionStatus.CANCELLED:
            if marker(containment.isolate_key) not in (action.cancellation_comment or ""):
                who = action.cancellation_requestor or "somebody in Defender"
                return await reach.move(containment, State.CANCELLED, f"Cancelled by {who}.", facts=facts)
            if containment.release_requested_at is not None:
                detail = "Cancelled on request before the device was isolated."
                return await reach.move(containment, State.CANCELLED, detail, facts=facts)
            detail = "The device did not take the isolation before the decision's deadline, so it was withdrawn."
            return await reach.move(containment, State.WITHDRAWN, detail, facts=facts)
    detail = f"Defender reports that the isolation failed{code(action)}."
    return await reach.move(containment, State.FAILED, detail, facts=facts)


def _not_sent_after_all(tx: Transaction, containment: Containment) -> Containment:
    approved = claims.move(tx, containment, State.APPROVED, "The kill switch was turned on before the request left.")
    return deciding.stop(tx, approved)


def _announce(tx: Transaction, containment: Containment) -> Containment:
    fresh = claims.mine(tx, containment)
    if fresh.release_requested_at is not None:
        return claims.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
    if service.sensor_id(tx, fresh.account_id) != fresh.account_id:
        detail = "Meanwhile another account of the organization contains, so nothing was sent through this one."
        return claims.move(tx, fresh, State.DENIED, detail)
    policy, same = deciding.decided_by(tx, fresh)
    if policy.frozen:
        return deciding.stop(tx, fresh)
    if not same:
        # Somebody changed the policy a moment ago: it is decided again.
        return fresh
    detail = "Sending the isolation to Defender."
    return claims.move(tx, fresh, State.SUBMITTING, detail, submitted_at=clock.now())


def _contained(tx: Transaction, containment: Containment, action: MachineAction) -> Containment:
    # Read anew: another holder may have joined, and changed the timer, since the containment was claimed.
    fresh = claims.mine(tx, containment)
    now = clock.now()
    after = fresh.auto_release_after
    return claims.move(
        tx,
        fresh,
        State.CONTAINED,
        confirmation(fresh, now),
        facts={"machine_action": action.raw},
        confirmed_at=now,
        auto_release_at=now + timedelta(seconds=after) if after is not None else None,
    )


def confirmation(containment: Containment, now: datetime | None = None) -> str:
    """Say that Defender confirmed the isolation, and whether it came too late."""
    late = (containment.confirmed_at or now or containment.deadline_at) > containment.deadline_at
    return f"Defender confirmed the isolation{', after the deadline of the decision had passed' if late else ''}."
