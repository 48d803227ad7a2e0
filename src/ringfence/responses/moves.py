"""What is done to a response in each state: look at Defender first, act once, write down what was seen.

Each move returns the response in its new state, to go on with, or a `Rest`: nothing can be done before a moment. Every effect
in Defender is announced by a row before it leaves and looked for by its key after a crash or a lost reply, so that it is never
made twice.
"""

from ringfence import clock
from ringfence.containment import gathering
from ringfence.containment.reach import Rest
from ringfence.containment.target import prove
from ringfence.defender import Priority, priority
from ringfence.responses import acting, deciding, indicating, lifting
from ringfence.responses.kinds import Kind
from ringfence.responses.model import BEFORE_SENDING, Response, State
from ringfence.responses.reach import Next, Reach


def purpose(response: Response) -> Priority:
    """Return what Defender is called for: to take back, to do, or to see what became of either."""
    if response.state in (State.UNDOING, State.UNDO_FAILED):
        return Priority.CONFIRM if response.undo_action_id is not None else Priority.RELEASE
    if response.undo_requested_at is not None:
        return Priority.RELEASE
    return Priority.CONFIRM if response.state in (State.PENDING, State.DONE) else Priority.CONTAIN


class Moves(Reach):
    """The moves of one account's responses."""

    __slots__ = ()

    async def next(self, response: Response) -> Next:
        """Do what the state asks for, with calls that count for what it is about."""
        with priority(purpose(response)):
            return await self._next(response)

    async def _next(self, response: Response) -> Next:
        if response.state in (*BEFORE_SENDING, State.DONE):
            moved = await self.database.run(lambda tx: deciding.without_defender(tx, response))
            if moved is not None:
                return moved
        machines = response.kind is not Kind.INDICATORS
        match response.state:
            case State.REQUESTED:
                return await self._decide(response)
            case State.AWAITING_APPROVAL:
                return await self._await_answer(response)
            case State.APPROVED:
                return await (acting.submit if machines else indicating.submit)(self, response)
            case State.SUBMITTING:
                return await (acting.find_submitted if machines else indicating.find_submitted)(self, response)
            case State.PENDING:
                return await acting.confirm(self, response)
            case State.DONE:
                return await (lifting.watch if machines else indicating.watch)(self, response)
            case State.UNDOING:
                return await (lifting.lift if machines else indicating.delete)(self, response)
            case State.UNDO_FAILED:
                return await self.move(response, State.UNDOING, "Trying to undo it again.")
            case _:
                return Rest(None)

    async def _decide(self, response: Response) -> Next:
        machine = None
        if response.kind is not Kind.INDICATORS:
            proof = prove(response.target, await gathering.records(self.client, response.target), clock.now())
            if proof.machine is None:
                return await self.database.run(lambda tx: deciding.unproven(tx, response, proof))
            machine = proof.machine
        seen = await self.live(response, machine)
        decided = await self.database.run(lambda tx: deciding.verdict(tx, response, machine, seen))
        waiting = "Ringfence is undoing the same on this host; waiting for that before deciding again."
        return decided or self.again(response, waiting, since=response.requested_at)

    async def _await_answer(self, response: Response) -> Next:
        asked = await self.database.run(lambda tx: deciding.answer(tx, response))
        if isinstance(asked, Response):
            return asked
        if asked.open:
            return Rest(min(asked.expires_at, response.deadline_at))
        machine = await self.machine(response)
        seen = await self.live(response, machine)
        return await self.database.run(lambda tx: deciding.approved(tx, response, asked, machine, seen))
