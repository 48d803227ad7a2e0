"""What is done to a containment in each state: look at Defender first, act once, write down what was seen.

Each move returns the containment in its new state, to go on with, or a `Rest`: nothing can be done before a moment. Every
effect in Defender is announced by a row before it leaves (`submitting`, `release_submitted_at`) and looked for by its
ExternalId after a crash or a lost reply, so that it is never made twice.
"""

from ringfence import clock
from ringfence.containment import deciding, gathering, holding, isolating, releasing
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import Next, Reach, Rest, purpose
from ringfence.containment.target import prove
from ringfence.defender import Priority, priority
from ringfence.storage.turns import SOON, URGENT, patience


class Moves(Reach):
    """The moves of one account's containments; `seen` is what a list call of this round already brought."""

    __slots__ = ()

    async def next(self, containment: Containment) -> Next:
        """Do what the state asks for, with calls that count for what it is about."""
        about = purpose(containment)
        # A host that is still connected goes before those of which it is only seen how they stand.
        with priority(about), patience(SOON if about is Priority.CONFIRM else URGENT):
            return await self._next(containment)

    async def _next(self, containment: Containment) -> Next:
        # What was read a moment ago tells whether there is such a move; whoever asks for one later has it looked at again.
        if deciding.needs_no_defender(containment):
            moved = await self.database.run(lambda tx: deciding.without_defender(tx, containment))
            if moved is not None:
                return moved
        match containment.state:
            case State.REQUESTED:
                return await self._decide(containment)
            case State.AWAITING_APPROVAL:
                return await self._await_answer(containment)
            case State.APPROVED:
                return await isolating.submit(self, containment)
            case State.SUBMITTING:
                return await isolating.find_submitted(self, containment)
            case State.PENDING:
                return await isolating.confirm(self, containment)
            case State.CONTAINED:
                return await holding.watch(self, containment)
            case State.RELEASING:
                return await releasing.release(self, containment)
            case State.RELEASE_FAILED:
                return await self.move(containment, State.RELEASING, "Trying to release again.")
            case _:
                return Rest(None)

    async def _decide(self, containment: Containment) -> Next:
        found = await gathering.records(self.client, containment.target)
        proof = prove(containment.target, found, clock.now())
        seen = await isolating.live(self, containment, proof.machine) if proof.machine is not None else gathering.Live()
        decided = await self.database.run(lambda tx: deciding.verdict(tx, containment, proof, seen))
        return decided or self.again(
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
        seen = await isolating.live(self, containment, machine)
        return await self.database.run(lambda tx: deciding.approved(tx, containment, asked, machine, seen))
