"""What is done to a containment in each state: look at Defender first, act once, write down what was seen.

Each move returns the containment in its new state, to go on with, or a `Rest`: nothing can be done before a moment. Every
effect in Defender is announced by a row before it leaves (`submitting`, `release_submitted_at`) and looked for by its
ExternalId after a crash or a lost reply, so that it is never made twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ringfence import clock
from ringfence.containment import deciding, service
from ringfence.containment.history import (
    find_ours,
    is_of,
    marker,
    observe,
    of_isolation,
    owner_of,
    released_after,
)
from ringfence.containment.model import Containment, State
from ringfence.containment.rounds import NOTHING, Seen, next_round
from ringfence.containment.target import prove
from ringfence.defender import DefenderClient, Priority, priority
from ringfence.defender.errors import (
    ActiveRequestAlreadyExists,
    AuthenticationFailed,
    BadRequest,
    DefenderError,
    ReplyLost,
    Unauthorized,
)
from ringfence.defender.odata import both, eq, one_of
from ringfence.defender.wire import ActionStatus, ActionType, Machine, MachineAction
from ringfence.storage import Database, Transaction

# An effect is sent within this many seconds after it was announced. Shorter than the lease that the announcement renews, so
# that nobody else can be sending it at the same time.
SEND_WITHIN = 30.0
# A request that may have reached Defender counts as lost when it could not have been sent for so long and no trace is there.
LOST_AFTER = timedelta(seconds=SEND_WITHIN + 10.0)
# What may have been sent once is forgotten only after so long without a trace, since nothing is lost by looking longer.
_FORGET_AFTER = timedelta(minutes=10)
# A process that was held up for longer between announcing and sending has lost the right to send.
_HELD_UP = timedelta(seconds=5)
# What was decided longer ago is decided again before it is sent.
_FRESH = timedelta(minutes=5)
# How often a contained host is looked at, to see whether somebody outside let it go: at first, and after the first hour.
WATCH_FIRST = timedelta(minutes=5)
WATCH_LATER = timedelta(minutes=30)
_HISTORY = 100
_LONGEST_PAUSE = 300.0

CREDENTIAL_REFUSED = (AuthenticationFailed, Unauthorized)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; `detail` says what is awaited, for people."""

    until: datetime | None
    detail: str | None = None


Next = Containment | Rest


def purpose(containment: Containment) -> Priority:
    """Return what Defender is called for: to let go, to cut off, or to see what became of either."""
    releasing = containment.state in (State.RELEASING, State.RELEASE_FAILED)
    if releasing and containment.release_action_id is not None:
        return Priority.CONFIRM
    unwanted = containment.release_requested_at is not None
    if releasing or unwanted or (containment.state == State.PENDING and clock.now() >= containment.deadline_at):
        return Priority.RELEASE
    return Priority.CONFIRM if containment.state in (State.PENDING, State.CONTAINED) else Priority.CONTAIN


def sentence(error: DefenderError) -> str:
    """Say what Defender refused and what to do about it."""
    return f"{error.message or error.code} {error.advice}".strip()


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of one account's containments; `seen` is what a list call of this round already brought."""

    database: Database
    client: DefenderClient
    interval: float
    seen: Seen = NOTHING

    async def next(self, containment: Containment) -> Next:
        """Do what the state asks for, with calls that count for what it is about."""
        with priority(purpose(containment)):
            return await self._next(containment)

    async def _next(self, containment: Containment) -> Next:
        if containment.state in (State.REQUESTED, State.AWAITING_APPROVAL, State.APPROVED, State.CONTAINED):
            moved = await self.database.run(lambda tx: deciding.without_defender(tx, containment))
            if moved is not None:
                return moved
        match containment.state:
            case State.REQUESTED:
                return await self._decide(containment)
            case State.AWAITING_APPROVAL:
                return await self._await_answer(containment)
            case State.APPROVED:
                return await self._submit(containment)
            case State.SUBMITTING:
                return await self._find_submitted(containment)
            case State.PENDING:
                return await self._confirm(containment)
            case State.CONTAINED:
                return await self._watch(containment)
            case State.RELEASING:
                return await self._release(containment)
            case State.RELEASE_FAILED:
                return await self._move(containment, State.RELEASING, "Trying to release again.")
            case _:
                return Rest(None)

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def _decide(self, containment: Containment) -> Next:
        found = await deciding.records(self.client, containment.target)
        proof = prove(containment.target, found, clock.now())
        seen = await self._live(containment, proof.machine) if proof.machine is not None else deciding.Live()
        decided = await self.database.run(lambda tx: deciding.verdict(tx, containment, proof, seen))
        return decided or self._again(
            containment,
            "Ringfence is releasing this host; waiting for that before deciding again.",
            since=containment.requested_at,
        )

    async def _await_answer(self, containment: Containment) -> Next:
        asked = await self.database.run(lambda tx: deciding.answer(tx, containment))
        if isinstance(asked, Containment):
            return asked
        if asked.open:
            return Rest(min(asked.expires_at, containment.deadline_at))
        assert containment.machine_id is not None
        machine = await self.client.get_machine(containment.machine_id)
        seen = await self._live(containment, machine)
        return await self.database.run(lambda tx: deciding.approved(tx, containment, asked, machine, seen))

    async def _live(self, containment: Containment, machine: Machine) -> deciding.Live:
        stands = await self.database.read(lambda tx: deciding.standing(tx, containment, machine))
        return await deciding.live(self.client, stands.effective.policy, machine.id)

    # --- isolating ---------------------------------------------------------------------------------------------------

    async def _submit(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        machine_id = containment.machine_id
        history = await self._history(machine_id)
        if ours := find_ours(history, ActionType.ISOLATE, containment.isolate_key):
            return await self._accepted(containment, ours)
        sent_at = containment.submitted_at
        if sent_at is not None and (over := await self._given_up(containment, sent_at)):
            return over
        seen = observe(history)
        for action in seen.open:
            what = "An isolation" if action.type == ActionType.ISOLATE else "A release"
            detail = f"{what} of this host by {owner_of(action)} is in progress; waiting for it before deciding."
            return self._again(containment, detail, since=containment.decided_at)
        if seen.isolated and seen.by is not None:
            detail = f"Already isolated by {owner_of(seen.by)}; it is theirs to release."
            return await self._move(containment, State.NOT_NEEDED, detail, facts={"machine_action": seen.by.raw})
        if containment.decided_at is None or clock.now() > containment.decided_at + _FRESH:
            machine = await self.client.get_machine(machine_id)
            live = await self._live(containment, machine)
            denied = await self.database.run(lambda tx: deciding.still_allowed(tx, containment, machine, live))
            if denied is not None:
                return denied
        announced = await self.database.run(lambda tx: _announce(tx, containment))
        if announced.state != State.SUBMITTING:
            return announced
        try:
            action = await self._send(
                announced.submitted_at,
                lambda: self.client.isolate_machine(
                    machine_id,
                    comment=f"{announced.reason} {marker(announced.isolate_key)}",
                    isolation_type=announced.isolation_type,
                    external_id=announced.isolate_key,
                ),
            )
        except (ReplyLost, TimeoutError):
            return self._again(containment, "Defender's reply was lost; looking whether the isolation was accepted.")
        except ActiveRequestAlreadyExists:
            return await self._not_sent(announced, "Defender says that an action on this host is already in progress.")
        except DefenderError as error:
            if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
                return await self._move(announced, State.FAILED, f"Defender refused the isolation. {sentence(error)}")
            # Not accepted, for a reason that the driver knows how to wait out: from `approved` it is tried again.
            await self._not_sent(announced, "Defender did not accept the isolation.")
            raise
        if find_ours([action], ActionType.ISOLATE, announced.isolate_key) is None:
            # The service may answer a duplicate with the action that is pending already, which is somebody else's.
            return await self._not_sent(announced, f"An isolation of this host by {owner_of(action)} is in progress.")
        return await self._accepted(announced, action)

    async def _given_up(self, containment: Containment, sent_at: datetime) -> Next | None:
        """End what may have been sent once and left no trace, where it is not wanted any more."""
        unwanted = containment.release_requested_at is not None
        if not unwanted and clock.now() < containment.deadline_at:
            return None
        if clock.now() < sent_at + _FORGET_AFTER:
            return self._again(
                containment, "No longer wanted; looking whether the lost isolation shows up after all.", since=sent_at
            )
        if unwanted:
            detail = "Cancelled; Defender has no trace of the isolation."
            return await self._move(containment, State.CANCELLED, detail)
        detail = "The decision's deadline passed, and Defender has no trace of the isolation."
        return await self._move(containment, State.WITHDRAWN, detail)

    async def _find_submitted(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        history = await self._history(containment.machine_id)
        if ours := find_ours(history, ActionType.ISOLATE, containment.isolate_key):
            return await self._accepted(containment, ours)
        if not _surely_lost(containment.submitted_at):
            return self._again(containment, "Looking whether Defender accepted the isolation.")
        return await self._move(
            containment, State.APPROVED, "Defender has no trace of the isolation, so it was never accepted."
        )

    async def _accepted(self, containment: Containment, action: MachineAction) -> Containment:
        return await self._move(
            containment,
            State.PENDING,
            f"Defender accepted the isolation and has it as {action.status}.",
            facts={"machine_action": action.raw},
            isolate_action_id=action.id,
            accepted_at=clock.now(),
        )

    async def _not_sent(self, containment: Containment, detail: str) -> Rest:
        await self._move(containment, State.APPROVED, detail)
        return self._again(containment, detail)

    async def _confirm(self, containment: Containment) -> Next:
        assert containment.isolate_action_id is not None
        action = await self._action(containment.isolate_action_id)
        if action.is_final:
            return await self._ended(containment, action)
        withdrawn = clock.now() >= containment.deadline_at
        if withdrawn or containment.release_requested_at is not None:
            why = "The decision is too old to still act on" if withdrawn else "The host is not to be contained any more"
            try:
                action = await self.client.cancel_machine_action(
                    action.id, comment=f"{why}. {marker(containment.isolate_key)}"
                )
            except BadRequest:
                # It has ended since it was read, perhaps by isolating the host.
                action = await self.client.get_machine_action(action.id)
            if action.is_final:
                return await self._ended(containment, action)
        return self._again(
            containment, f"Defender has the isolation as {action.status}.", since=containment.accepted_at
        )

    async def _ended(self, containment: Containment, action: MachineAction) -> Next:
        facts = {"machine_action": action.raw}
        match action.status:
            case ActionStatus.SUCCEEDED:
                return await self.database.run(lambda tx: _contained(tx, containment, action))
            case ActionStatus.TIME_OUT:
                detail = "The device did not answer Defender in time; no isolation was confirmed."
                return await self._move(containment, State.TIMED_OUT, detail, facts=facts)
            case ActionStatus.CANCELLED:
                if marker(containment.isolate_key) not in (action.cancellation_comment or ""):
                    who = action.cancellation_requestor or "somebody in Defender"
                    return await self._move(containment, State.CANCELLED, f"Cancelled by {who}.", facts=facts)
                if containment.release_requested_at is not None:
                    detail = "Cancelled on request before the device was isolated."
                    return await self._move(containment, State.CANCELLED, detail, facts=facts)
                detail = "The device did not take the isolation before the decision's deadline, so it was withdrawn."
                return await self._move(containment, State.WITHDRAWN, detail, facts=facts)
        detail = f"Defender reports that the isolation failed{_code(action)}."
        return await self._move(containment, State.FAILED, detail, facts=facts)

    # --- holding -----------------------------------------------------------------------------------------------------

    async def _watch(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        assert containment.confirmed_at is not None
        history = self.seen.history(containment.machine_id, containment.isolate_action_id)
        if history is None:
            history = await self._history(containment.machine_id)
        released = released_after(history, containment.isolate_action_id)
        if released is not None:
            detail = f"{owner_of(released)} released the host."
            return await self._move(containment, State.SUPERSEDED, detail, facts={"machine_action": released.raw})
        for action in observe(history).open:
            if action.type == ActionType.UNISOLATE:
                return self._again(
                    containment,
                    f"A release of this host by {owner_of(action)} is in progress.",
                    since=action.creation_date_time_utc,
                )
        young = clock.now() < containment.confirmed_at + timedelta(hours=1)
        until = next_round(containment.account_id, (WATCH_FIRST if young else WATCH_LATER).total_seconds())
        return Rest(min(until, containment.auto_release_at or until), _confirmation(containment))

    # --- releasing ---------------------------------------------------------------------------------------------------

    async def _release(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        machine_id = containment.machine_id
        if containment.release_action_id is not None:
            return await self._confirm_release(containment)
        history = await self._history(machine_id)
        if ours := find_ours(history, ActionType.UNISOLATE, containment.release_key):
            return await self._release_accepted(containment, ours)
        seen = observe(history)
        for action in seen.open:
            what = "A release" if action.type == ActionType.UNISOLATE else "Another isolation"
            detail = f"{what} of this host by {owner_of(action)} is in progress; waiting for it."
            return self._again(containment, detail, since=action.creation_date_time_utc)
        if seen.by is not None and seen.by.id != containment.isolate_action_id:
            if not is_of(seen.by, containment.id):
                what = "released" if seen.by.type == ActionType.UNISOLATE else "isolated again"
                detail = f"Meanwhile {owner_of(seen.by)} {what} the host, so it is not ours to release."
                facts = {"machine_action": seen.by.raw}
                return await self._move(containment, State.SUPERSEDED, detail, facts=facts)
            if seen.by.type == ActionType.UNISOLATE:
                return await self._release_accepted(containment, seen.by)
        if containment.release_submitted_at is not None and not _surely_lost(containment.release_submitted_at):
            return self._again(containment, "Looking whether Defender accepted the release.")
        announced = await self._note(containment, release_submitted_at=clock.now())
        try:
            action = await self._send(
                announced.release_submitted_at,
                lambda: self.client.unisolate_machine(
                    machine_id,
                    comment=f"Released by Ringfence. {marker(announced.release_key)}",
                    external_id=announced.release_key,
                ),
            )
        except (ReplyLost, TimeoutError):
            return self._again(containment, "Defender's reply was lost; looking whether the release was accepted.")
        except ActiveRequestAlreadyExists:
            await self._note(announced, release_submitted_at=None)
            return self._again(containment, "Defender says that an action on this host is already in progress.")
        except DefenderError as error:
            if error.permanent and not isinstance(error, CREDENTIAL_REFUSED):
                return await self._release_failed(announced, f"Defender refused the release. {sentence(error)}")
            await self._note(announced, release_submitted_at=None)
            raise
        if find_ours([action], ActionType.UNISOLATE, announced.release_key) is None:
            await self._note(announced, release_submitted_at=None)
            return self._again(
                containment, f"A release of this host by {owner_of(action)} is in progress; waiting for it."
            )
        return await self._release_accepted(announced, action)

    async def _release_accepted(self, containment: Containment, action: MachineAction) -> Containment:
        detail = f"Defender accepted the release and has it as {action.status}."
        return await self._note(containment, release_action_id=action.id, detail=detail)

    async def _confirm_release(self, containment: Containment) -> Next:
        assert containment.release_action_id is not None
        action = await self._action(containment.release_action_id)
        facts = {"machine_action": action.raw}
        if action.status == ActionStatus.SUCCEEDED:
            detail = "Defender confirmed the release."
            return await self._move(containment, State.RELEASED, detail, facts=facts, released_at=clock.now())
        if not action.is_final:
            return self._again(
                containment, f"Defender has the release as {action.status}.", since=containment.release_submitted_at
            )
        return await self._release_failed(
            containment, f"Defender reports the release as {action.status}{_code(action)}.", facts=facts
        )

    async def _release_failed(
        self, containment: Containment, why: str, *, facts: Mapping[str, Any] | None = None
    ) -> Rest:
        failures = containment.attempts + 1
        pause = min(self.interval * 2.0 ** min(failures, 10), _LONGEST_PAUSE)
        failed = await self._move(
            containment,
            State.RELEASE_FAILED,
            f"{why} The host is still cut off; trying again in {pause:.0f} s.",
            facts=facts,
            attempts=failures,
            release_action_id=None,
            release_submitted_at=None,
        )
        return Rest(clock.now() + timedelta(seconds=pause), failed.detail)

    # --- what the moves share ----------------------------------------------------------------------------------------

    async def _history(self, machine_id: str) -> list[MachineAction]:
        wanted = both(
            eq("machineId", machine_id), one_of("type", [ActionType.ISOLATE.value, ActionType.UNISOLATE.value])
        )
        listed = self.client.list_machine_actions(filter=wanted, order_by="creationDateTimeUtc desc", limit=_HISTORY)
        return of_isolation([action async for action in listed], machine_id)

    async def _action(self, action_id: str) -> MachineAction:
        return self.seen.actions.get(action_id) or await self.client.get_machine_action(action_id)

    async def _send(
        self, announced_at: datetime | None, request: Callable[[], Awaitable[MachineAction]]
    ) -> MachineAction:
        if announced_at is None or clock.now() > announced_at + _HELD_UP:
            raise TimeoutError
        async with asyncio.timeout(SEND_WITHIN):
            return await request()

    def _again(self, containment: Containment, detail: str, *, since: datetime | None = None) -> Rest:
        age = (clock.now() - since).total_seconds() if since else 0.0
        # A device that is off may take days; asking every few seconds would use up the tenant's calls.
        slower = 1 if age < 120 else 3 if age < 900 else 12
        return Rest(next_round(containment.account_id, self.interval * slower), detail)

    async def _move(self, containment: Containment, after: State, detail: str, **values: Any) -> Containment:
        return await self.database.run(lambda tx: service.move(tx, containment, after, detail, **values))

    async def _note(self, containment: Containment, **values: Any) -> Containment:
        return await self.database.run(lambda tx: service.note(tx, containment, **values))


def _announce(tx: Transaction, containment: Containment) -> Containment:
    fresh = service.mine(tx, containment)
    if fresh.release_requested_at is not None:
        return service.move(tx, fresh, State.CANCELLED, "Cancelled before anything was sent to Defender.")
    detail = "Sending the isolation to Defender."
    return service.move(tx, fresh, State.SUBMITTING, detail, submitted_at=clock.now())


def _contained(tx: Transaction, containment: Containment, action: MachineAction) -> Containment:
    # Read anew: another holder may have joined, and changed the timer, since the containment was claimed.
    fresh = service.mine(tx, containment)
    now = clock.now()
    after = fresh.auto_release_after
    return service.move(
        tx,
        fresh,
        State.CONTAINED,
        _confirmation(fresh, now),
        facts={"machine_action": action.raw},
        confirmed_at=now,
        auto_release_at=now + timedelta(seconds=after) if after is not None else None,
    )


def _confirmation(containment: Containment, now: datetime | None = None) -> str:
    late = (containment.confirmed_at or now or containment.deadline_at) > containment.deadline_at
    return f"Defender confirmed the isolation{', after the deadline of the decision had passed' if late else ''}."


def _surely_lost(sent_at: datetime | None) -> bool:
    return sent_at is None or clock.now() >= sent_at + LOST_AFTER


def _code(action: MachineAction) -> str:
    return f" (error 0x{action.error_h_result & 0xFFFFFFFF:08x})" if action.error_h_result else ""
