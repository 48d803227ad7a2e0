"""How an action of a run, or of a person, does what goes beyond reading: through responses, in the name of whoever asks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ringfence.actions import ActionError, Json, ResponseState
from ringfence.errors import RingfenceError
from ringfence.responses import board, service
from ringfence.responses.kinds import Kind
from ringfence.responses.model import IN_EFFECT, Response, State
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable

NOT_OWNED: Final = "not_owned"
STILL_HELD: Final = "still_held"


@dataclass(frozen=True, slots=True)
class Responses:
    """The response port of one run, or of a person where `run_id` is empty; see `ringfence.actions.ResponsePort`.

    A run takes back only what it did itself, or what the runs did that it `continues`, and indicators of ours that it names
    by their ids; a person whatever Ringfence did in their organization.
    """

    database: Database
    organization_id: str
    account_id: str | None
    by: str
    deadline: float
    run_id: str = ""
    alert_id: str | None = None
    continues: tuple[str, ...] = ()

    async def request(
        self,
        kind: str,
        *,
        reason: str,
        key: str,
        machine: str = "",
        parameters: Mapping[str, Json] | None = None,
        undo_after: float | None = None,
    ) -> ResponseState:
        """Ask for something; policy decides."""
        account_id = self.account_id
        if account_id is None:
            message = "This run has no account to reach Defender with."
            raise ActionError(message, code="no-account", permanent=True, advice="Name an account in the trigger.")

        def work(tx: Transaction) -> Response:
            return service.request(
                tx,
                organization_id=self.organization_id,
                account_id=account_id,
                kind=Kind(kind),
                target=machine,
                parameters=parameters,
                reason=reason,
                requested_by=self.by,
                key=f"{'' if self.run_id else 'person:'}{key}",
                run_id=self.run_id or None,
                alert_id=self.alert_id,
                undo_after=undo_after,
                deadline=self.deadline,
            )

        return await self._run(lambda tx: state_of(tx, self._current(tx, work(tx).id)))

    async def undo(self, kind: str, *, target: str, reason: str) -> ResponseState:
        """Take back what is in effect; what the run let go of and others want too stays."""
        return await self._run(lambda tx: self._undo(tx, Kind(kind), storable(target), reason))

    async def undo_indicators(self, indicators: Sequence[str], *, reason: str) -> Sequence[ResponseState]:
        """Delete indicators of ours by their ids, each with those that were made together with it."""
        try:
            return await self.database.run(lambda tx: self._undo_indicators(tx, list(indicators), reason))
        except RingfenceError as error:
            raise _failure(error) from None

    async def state(self, response: str) -> ResponseState:
        """Tell where a response stands, or the one that it joined."""

        def work(tx: Transaction) -> ResponseState:
            service.get(tx, response, organization_id=self.organization_id)
            return state_of(tx, self._current(tx, response))

        try:
            return await self.database.read(work)
        except RingfenceError as error:
            raise _failure(error) from None

    async def _run(self, work: Callable[[Transaction], ResponseState]) -> ResponseState:
        try:
            return await self.database.run(work)
        except RingfenceError as error:
            raise _failure(error) from None

    def _current(self, tx: Transaction, response_id: str) -> Response:
        return service.current(tx, response_id)

    def _mine(self, response: Response) -> bool:
        same = response.organization_id == self.organization_id
        return same and (not self.run_id or response.run_id in (self.run_id, *self.continues))

    def _undo(self, tx: Transaction, kind: Kind, target: str, reason: str) -> ResponseState:
        found = service.find(tx, target)
        if found is None or not self._mine(found) or found.kind is not kind:
            found = None
            for run_id in (self.run_id or None, *self.continues):
                found = found or service.in_effect(tx, self.organization_id, kind, target, run_id=run_id)
        if found is None:
            detail = f"Nothing that {'this run' if self.run_id else 'Ringfence'} did is in effect there."
            return ResponseState("", NOT_OWNED, machine_id=target, detail=detail, final=True)
        return self._take_back(tx, found, reason)

    def _take_back(self, tx: Transaction, found: Response, reason: str) -> ResponseState:
        after = service.undo(tx, found.id, by=self.by, reason=reason, everybody=not self.run_id)
        state = state_of(tx, after)
        if after.undo_requested_at is None and not after.over:
            detail = "Another wants it too, so it stays."
            return ResponseState(after.id, STILL_HELD, state.machine_id, state.machine_name, detail=detail, final=True)
        return state

    def _undo_indicators(self, tx: Transaction, indicators: list[str], reason: str) -> list[ResponseState]:
        made = service.made_with(tx, self.organization_id, indicators)
        known = {each_id for each in made for each_id in service.made_ids(each)}
        for each in made:
            others = sorted(set(service.made_ids(each)) - set(indicators))
            if others:
                message = f"These were made together with {len(others)} others: {', '.join(others[:10])}."
                advice = f"Name all of them, or undo the response {each.id}."
                raise ActionError(message, code="made-together", permanent=True, advice=advice)
        states = [self._take_back(tx, each, reason) for each in made]
        if foreign := [each for each in indicators if each not in known]:
            detail = f"Not made by Ringfence, or gone already: {', '.join(foreign[:10])}."
            states.append(ResponseState("", NOT_OWNED, detail=detail, final=True))
        return states


def state_of(tx: Transaction, found: Response) -> ResponseState:
    """Say it as actions see it."""
    reasons = tuple((found.verdict or {}).get("reasons", ()))
    facts: Mapping[str, Any] = {}
    if found.state in (State.FAILED, State.UNDO_FAILED, State.DONE):
        facts = board.last_facts(tx, found.id)
    error = facts.get("error")
    return ResponseState(
        id=found.id,
        state=found.state.value,
        machine_id=found.machine_id or "",
        machine_name=found.host,
        reasons=reasons or ((found.detail,) if found.detail else ()),
        detail=found.detail,
        accepted=found.accepted_at is not None,
        done=found.state in IN_EFFECT,
        final=found.over,
        made=found.made,
        failed=tuple(facts.get("failed") or ()),
        code=str(error) if error else "",
    )


def _failure(error: RingfenceError) -> ActionError:
    return ActionError(error.message, code=error.code, permanent=True, advice=error.advice)
