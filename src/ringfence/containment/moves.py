"""What is done to a containment in each state: look at Defender first, act once, write down what was seen.

Each move returns the containment in its new state, to go on with, or a `Rest`: nothing can be done before a moment. Every
effect in Defender is announced by a row before it leaves (`submitting`, `release_submitted_at`) and looked for by its
ExternalId after a crash or a lost reply, so that it is never made twice.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import service
from ringfence.containment.history import find_ours, marker, observe, of_isolation, owner_of
from ringfence.containment.model import Containment, State
from ringfence.containment.policy import Facts, Policy, Verdict, decide
from ringfence.containment.target import Proof, kind_of, prove
from ringfence.defender import DefenderClient
from ringfence.defender.errors import ActiveRequestAlreadyExists, NotFound, ReplyLost
from ringfence.defender.odata import eq
from ringfence.defender.wire import ActionStatus, ActionType, Machine, MachineAction
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import containments, organizations

# How long a request that may have reached Defender is given to show up in the action history before it counts as lost.
GRACE = timedelta(seconds=10)
# An effect is sent within the driver's lease (seconds), so that nobody else can be sending it at the same time.
SEND_WITHIN = 40.0
_HISTORY = 100


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to do before `until`; `detail` says what is awaited, for people."""

    until: datetime | None
    detail: str | None = None


Next = Containment | Rest


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of one account's containments; `seen` are actions that one list call of this round already brought."""

    database: Database
    client: DefenderClient
    interval: float
    seen: Mapping[str, MachineAction]

    async def next(self, containment: Containment) -> Next:
        """Do what the state asks for."""
        match containment.state:
            case State.REQUESTED:
                return await self._decide(containment)
            case State.APPROVED:
                return await self._submit(containment)
            case State.SUBMITTING:
                return await self._find_submitted(containment)
            case State.PENDING:
                return await self._confirm(containment)
            case State.CONTAINED:
                return await self._hold(containment)
            case State.RELEASING:
                return await self._release(containment)
            case State.RELEASE_FAILED:
                return await self._move(containment, State.RELEASING, "Trying to release again.")
            case _:
                return Rest(None)

    # --- deciding ----------------------------------------------------------------------------------------------------

    async def _decide(self, containment: Containment) -> Next:
        if over := await self._given_up(containment):
            return over
        proof = prove(containment.target, await self._records(containment.target), clock.now())
        return await self.database.run(lambda tx: _verdict(tx, containment, proof, timedelta(seconds=self.interval)))

    async def _records(self, target: str) -> list[Machine]:
        try:
            match kind_of(target):
                case "machine id":
                    return [await self.client.get_machine(target.lower())]
                case "DNS name":
                    wanted = eq("computerDnsName", target.rstrip("."))
                    return [each async for each in self.client.list_machines(filter=wanted, limit=50)]
                case "IP address":
                    wanted = eq("lastIpAddress", target)
                    found = [each async for each in self.client.list_machines(filter=wanted, limit=50)]
                    return found + await self.client.find_machines_by_ip(target, clock.now())
        except NotFound:
            pass
        return []

    # --- isolating ---------------------------------------------------------------------------------------------------

    async def _submit(self, containment: Containment) -> Next:
        if over := await self._given_up(containment):
            return over
        assert containment.machine_id is not None
        history = await self._history(containment.machine_id)
        if ours := self._ours(containment, ActionType.ISOLATE, history):
            return await self._accepted(containment, ours)
        seen = observe(history)
        for action in seen.open:
            what = "An isolation" if action.type == ActionType.ISOLATE else "A release"
            return self._again(
                f"{what} of this host by {owner_of(action)} is in progress; waiting for it before deciding."
            )
        if seen.isolated == "yes" and seen.by is not None:
            return await self._move(
                containment,
                State.NOT_NEEDED,
                f"Already isolated by {owner_of(seen.by)}; it is theirs to release.",
                facts={"machine_action": seen.by.raw},
            )
        announced = await self._move(
            containment, State.SUBMITTING, "Sending the isolation to Defender.", submitted_at=clock.now()
        )
        comment = f"{containment.reason} {marker(containment.id)}"
        try:
            async with asyncio.timeout(SEND_WITHIN):
                action = await self.client.isolate_machine(
                    containment.machine_id,
                    comment=comment,
                    isolation_type=containment.isolation_type,
                    external_id=containment.isolate_key,
                )
        except (ReplyLost, TimeoutError):
            return self._again("Defender's reply was lost; looking whether the isolation was accepted.")
        except ActiveRequestAlreadyExists:
            return await self._not_sent(announced, "Defender says that an action on this host is already in progress.")
        except Exception:
            # Not accepted, for a reason that the driver knows how to handle: from `approved` it can be tried again.
            await self._not_sent(announced, "Defender did not accept the isolation.")
            raise
        if self._ours(containment, ActionType.ISOLATE, [action]) is None:
            # The service may answer a duplicate with the action that is pending already, which is somebody else's.
            return await self._not_sent(announced, f"An isolation of this host by {owner_of(action)} is in progress.")
        return await self._accepted(announced, action)

    async def _find_submitted(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        if ours := self._ours(containment, ActionType.ISOLATE, await self._history(containment.machine_id)):
            return await self._accepted(containment, ours)
        sent_at = containment.submitted_at or containment.requested_at
        if clock.now() < sent_at + GRACE:
            return self._again("Looking whether Defender accepted the isolation.")
        return await self._move(
            containment, State.APPROVED, "Defender has no trace of the isolation, so it was never accepted."
        )

    async def _confirm(self, containment: Containment) -> Next:
        assert containment.isolate_action_id is not None
        action = await self._action(containment.isolate_action_id)
        facts = {"machine_action": action.raw}
        match action.status:
            case ActionStatus.SUCCEEDED:
                now = clock.now()
                after = containment.auto_release_after
                ends = now + timedelta(seconds=after) if after is not None else None
                detail = "Defender confirmed the isolation."
                return await self._move(
                    containment, State.CONTAINED, detail, facts=facts, confirmed_at=now, auto_release_at=ends
                )
            case ActionStatus.FAILED:
                detail = f"Defender reports that the isolation failed{_code(action)}."
                return await self._move(containment, State.FAILED, detail, facts=facts)
            case ActionStatus.TIME_OUT:
                detail = "The device did not answer Defender in time; it was never isolated."
                return await self._move(containment, State.TIMED_OUT, detail, facts=facts)
            case ActionStatus.CANCELLED:
                return await self._cancelled(containment, action)
        withdrawn = clock.now() >= containment.deadline_at
        if withdrawn or containment.release_requested_at is not None:
            why = "The decision is too old to still act on" if withdrawn else "The host is not to be contained any more"
            action = await self.client.cancel_machine_action(action.id, comment=f"{why}. {marker(containment.id)}")
            if action.status == ActionStatus.CANCELLED:
                return await self._cancelled(containment, action)
        return self._again(f"Defender has the isolation as {action.status}.", since=containment.accepted_at)

    async def _cancelled(self, containment: Containment, action: MachineAction) -> Next:
        facts = {"machine_action": action.raw}
        if marker(containment.id) not in (action.cancellation_comment or ""):
            who = action.cancellation_requestor or "somebody in Defender"
            return await self._move(containment, State.CANCELLED, f"Cancelled by {who}.", facts=facts)
        if containment.release_requested_at is not None:
            detail = "Cancelled on request before the device was isolated."
            return await self._move(containment, State.CANCELLED, detail, facts=facts)
        detail = "The device did not take the isolation before the decision's deadline, so it was withdrawn."
        return await self._move(containment, State.WITHDRAWN, detail, facts=facts)

    # --- releasing ---------------------------------------------------------------------------------------------------

    async def _hold(self, containment: Containment) -> Next:
        if containment.release_requested_at is not None:
            return await self._move(containment, State.RELEASING, "Nobody holds the host any more.")
        ends = containment.auto_release_at
        if ends is not None and clock.now() >= ends:
            await self.database.run(
                lambda tx: service.let_go(tx, containment.id, by="the timer", reason="Auto-release is due.")
            )
            return await self._move(containment, State.RELEASING, "The auto-release timer ran out.")
        return Rest(ends)

    async def _release(self, containment: Containment) -> Next:
        assert containment.machine_id is not None
        if containment.release_action_id is not None:
            return await self._confirm_release(containment)
        history = await self._history(containment.machine_id)
        if ours := self._ours(containment, ActionType.UNISOLATE, history):
            return await self._release_accepted(containment, ours)
        seen = observe(history)
        for action in seen.open:
            what = "A release" if action.type == ActionType.UNISOLATE else "Another isolation"
            return self._again(f"{what} of this host by {owner_of(action)} is in progress; waiting for it.")
        if seen.by is not None and seen.by.id != containment.isolate_action_id:
            what = "released" if seen.by.type == ActionType.UNISOLATE else "isolated again"
            return await self._move(
                containment,
                State.SUPERSEDED,
                f"Meanwhile {owner_of(seen.by)} {what} the host, so it is not ours to release.",
                facts={"machine_action": seen.by.raw},
            )
        sent_at = containment.release_submitted_at
        if sent_at is not None and clock.now() < sent_at + GRACE:
            return self._again("Looking whether Defender accepted the release.")
        await self.database.run(lambda tx: service.note(tx, containment, release_submitted_at=clock.now()))
        try:
            async with asyncio.timeout(SEND_WITHIN):
                action = await self.client.unisolate_machine(
                    containment.machine_id,
                    comment=f"Released by Ringfence. {marker(containment.id)}",
                    external_id=containment.release_key,
                )
        except (ReplyLost, TimeoutError, ActiveRequestAlreadyExists):
            return self._again("Looking whether Defender accepted the release.")
        if self._ours(containment, ActionType.UNISOLATE, [action]) is None:
            return self._again(f"A release of this host by {owner_of(action)} is in progress; waiting for it.")
        return await self._release_accepted(containment, action)

    async def _confirm_release(self, containment: Containment) -> Next:
        assert containment.release_action_id is not None
        action = await self._action(containment.release_action_id)
        facts = {"machine_action": action.raw}
        if action.status == ActionStatus.SUCCEEDED:
            detail = "Defender confirmed the release."
            return await self._move(containment, State.RELEASED, detail, facts=facts, released_at=clock.now())
        if not action.is_final:
            return self._again(f"Defender has the release as {action.status}.", since=containment.release_submitted_at)
        failures = containment.attempts + 1
        pause = min(self.interval * 2**failures, 300.0)
        failed = await self._move(
            containment,
            State.RELEASE_FAILED,
            f"Defender reports the release as {action.status}{_code(action)}; the host is still cut off. "
            f"Trying again in {pause:.0f} s.",
            facts=facts,
            attempts=failures,
            release_action_id=None,
            release_submitted_at=None,
        )
        return Rest(clock.now() + timedelta(seconds=pause), failed.detail)

    # --- what the moves share ----------------------------------------------------------------------------------------

    async def _given_up(self, containment: Containment) -> Containment | None:
        if containment.release_requested_at is not None:
            return await self._move(containment, State.CANCELLED, "Cancelled before anything was sent to Defender.")
        if clock.now() >= containment.deadline_at:
            return await self._move(
                containment, State.WITHDRAWN, "The decision's deadline passed before it could be sent to Defender."
            )
        return None

    async def _history(self, machine_id: str) -> list[MachineAction]:
        listed = self.client.list_machine_actions(
            filter=eq("machineId", machine_id), order_by="creationDateTimeUtc desc", limit=_HISTORY
        )
        return of_isolation([action async for action in listed], machine_id)

    async def _action(self, action_id: str) -> MachineAction:
        return self.seen.get(action_id) or await self.client.get_machine_action(action_id)

    def _ours(self, containment: Containment, kind: ActionType, actions: list[MachineAction]) -> MachineAction | None:
        release = kind == ActionType.UNISOLATE
        return find_ours(
            actions,
            kind,
            external_id=containment.release_key if release else containment.isolate_key,
            containment_id=containment.id,
            since=containment.release_submitted_at if release else containment.submitted_at,
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

    async def _release_accepted(self, containment: Containment, action: MachineAction) -> Containment:
        values: dict[str, Any] = {"release_action_id": action.id}
        values["detail"] = f"Defender accepted the release and has it as {action.status}."
        return await self.database.run(lambda tx: service.note(tx, containment, **values))

    async def _not_sent(self, containment: Containment, detail: str) -> Rest:
        await self._move(containment, State.APPROVED, detail)
        return self._again(detail)

    def _again(self, detail: str, *, since: datetime | None = None) -> Rest:
        now = clock.now()
        age = (now - since).total_seconds() if since else 0.0
        # A device that is off may take days; asking every few seconds would use up the tenant's calls.
        slower = 1 if age < 120 else 3 if age < 900 else 12
        return Rest(now + timedelta(seconds=self.interval * slower), detail)

    async def _move(self, containment: Containment, after: State, detail: str, **values: Any) -> Containment:
        return await self.database.run(lambda tx: service.move(tx, containment, after, detail, **values))


def _code(action: MachineAction) -> str:
    return f" (error 0x{action.error_h_result & 0xFFFFFFFF:08x})" if action.error_h_result else ""


def _verdict(tx: Transaction, containment: Containment, proof: Proof, pause: timedelta) -> Next:
    now = clock.now()
    if proof.machine is None:
        verdict = Verdict(False, (proof.problem,), {"candidates": list(proof.candidates)})
        return service.move(
            tx,
            containment,
            State.DENIED,
            " ".join((proof.problem, *(f"Candidate: {each}." for each in proof.candidates))),
            verdict=verdict.document(),
            decided_at=now,
        )
    machine = proof.machine
    known: dict[str, Any] = {"machine_id": machine.id.lower(), "machine_name": machine.computer_dns_name}
    # The lock on the organization's row makes deciders queue, so that the limit of the hour is counted rightly.
    organization = tx.one(
        sa.select(organizations).where(organizations.c.id == containment.organization_id).with_for_update()
    )
    assert organization is not None
    live_key = f"{containment.account_id}:{machine.id.lower()}"
    live = tx.one(
        sa.select(containments)
        .where(containments.c.live_key == live_key, containments.c.id != containment.id)
        .with_for_update()
    )
    if live is not None:
        held = Containment.of(live)
        if held.release_requested_at is not None:
            return Rest(now + pause, "Ringfence is releasing this host; waiting for that before deciding again.")
        service.hold(tx, held, holder=containment.request_key, reason=containment.reason)
        detail = f"Ringfence holds this host already, by containment {held.id}; this request holds it too."
        return service.move(tx, containment, State.NOT_NEEDED, detail, joined_id=held.id, decided_at=now, **known)
    verdict = decide(Policy.read(organization["policy"]), _facts(tx, containment, machine))
    return service.move(
        tx,
        containment,
        State.APPROVED if verdict.allowed else State.DENIED,
        " ".join(verdict.reasons),
        facts=verdict.facts,
        verdict=verdict.document() | {"policy_version": organization["policy_version"]},
        decided_at=now,
        **known,
        **({"live_key": live_key} if verdict.allowed else {}),
    )


def _facts(tx: Transaction, containment: Containment, machine: Machine) -> Facts:
    decided = tx.scalar(
        sa.select(sa.func.count()).where(
            containments.c.organization_id == containment.organization_id,
            containments.c.decided_at > clock.now() - timedelta(hours=1),
            containments.c.state.not_in([State.DENIED.value, State.NOT_NEEDED.value]),
        )
    )
    return Facts(
        machine_id=machine.id,
        name=machine.computer_dns_name,
        # Defender leaves the property out for no machine, so its absence means that nothing is known.
        tags=machine.machine_tags if "machineTags" in machine.raw else None,
        os_platform=machine.os_platform,
        onboarding_status=machine.onboarding_status,
        health_status=machine.health_status,
        last_seen=clock.iso(machine.last_seen) if machine.last_seen else None,
        excluded=machine.is_excluded,
        merged_into=machine.merged_into_machine_id,
        decided_last_hour=decided,
    )
