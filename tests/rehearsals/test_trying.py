import asyncio

import pytest

from accounts_samples import an_organization
from rehearsing import CATALOGUE
from ringfence.errors import Unavailable
from ringfence.playbooks import proofs, trials
from ringfence.playbooks.proof import Proof, StepProof, Subject
from ringfence.playbooks.trials import State, Trial
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.storage import Database

BAD = Proof(steps=(StepProof(step="a", action="containment.contain", proven=False, scene="s", why="Held."),))


class Answers(Prover):
    """Proves at once what it is told to, or fails so, or waits for ever."""

    def __init__(self, answer: Proof | Exception | None) -> None:
        super().__init__()
        self.answer = answer
        self.begun = asyncio.Event()
        self.ended = asyncio.Event()
        self.expected = asyncio.Event()

    async def expect(self) -> None:
        self.expected.set()

    async def prove(self, subject: Subject) -> Proof:
        self.begun.set()
        try:
            if self.answer is None:
                await asyncio.Event().wait()
            if isinstance(self.answer, Exception):
                raise self.answer
            assert self.answer is not None
            return self.answer
        finally:
            self.ended.set()


def _ask(database: Database, text: str = "ringfence: 1") -> Trial:
    organization = an_organization(database)
    return database.run_now(lambda tx: proofs.request(tx, organization, text, "Cut", "adele"))


def _look(database: Database, trial: Trial) -> Trial:
    return database.read_now(lambda tx: trials.get(tx, trial.organization_id, trial.id))


@pytest.mark.parametrize(
    ("answer", "state", "proven", "detail"),
    [
        (Proof(), State.DONE, True, ""),
        (BAD, State.DONE, False, "a: Held."),
        (Unavailable("No.", advice="Again."), State.FAILED, None, "No. Again."),
        (RuntimeError("bug"), State.FAILED, None, "Internal error (RuntimeError); see the server's log."),
    ],
)
async def test_what_comes_of_a_proof_is_written_whatever_it_is(
    embedded: Database, answer: Proof | Exception, state: State, proven: bool | None, detail: str
) -> None:
    trial = _ask(embedded)
    work = Trials(embedded, CATALOGUE, Answers(answer), owner="one")
    assert await work.work()
    assert not await work.work()
    found = _look(embedded, trial)
    assert (found.state, found.proven, found.detail) == (state, proven, detail)


async def test_a_trial_that_somebody_cancels_is_stopped(embedded: Database) -> None:
    trial, prover = _ask(embedded), Answers(None)
    working = asyncio.create_task(Trials(embedded, CATALOGUE, prover, owner="one", beat=0.01).work())
    await prover.begun.wait()
    await embedded.run(lambda tx: trials.cancel(tx, trial.organization_id, trial.id, "mara"))
    assert await working
    assert prover.ended.is_set()
    assert _look(embedded, trial).state is State.CANCELLED


async def test_a_worker_begins_at_once_what_is_asked_of_it_and_leaves_it_to_the_next_when_it_is_stopped(
    embedded: Database,
) -> None:
    stop, prover = asyncio.Event(), Answers(None)
    running = asyncio.create_task(Trials(embedded, CATALOGUE, prover, owner="one").run_forever(stop))
    trial = await asyncio.to_thread(_ask, embedded)
    await prover.begun.wait()
    stop.set()
    await running
    assert prover.ended.is_set()
    assert _look(embedded, trial).open
    assert await Trials(embedded, CATALOGUE, Answers(Proof()), owner="one").work()
    assert _look(embedded, trial).proven


async def test_a_worker_gets_ready_where_a_play_is_expected(embedded: Database) -> None:
    stop, prover = asyncio.Event(), Answers(None)
    running = asyncio.create_task(Trials(embedded, CATALOGUE, prover, owner="one").run_forever(stop))
    organization_id = an_organization(embedded)
    # It hears what is said after it began to listen.
    while not prover.expected.is_set():
        await embedded.run(lambda tx: trials.expect(tx, organization_id, "a-playbook"))
    stop.set()
    await running
