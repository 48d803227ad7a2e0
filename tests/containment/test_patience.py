"""Questions are settled on time though nobody looks at them."""

import asyncio
from datetime import timedelta

from accounts_samples import an_organization
from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Question, State, Subject
from ringfence.containment.patience import LONGEST_LOOK, Patience
from ringfence.storage import Database, changes
from ringfence.storage.rounds import LONGEST_SLEEP
from run_world import Stage, Time


def ask(database: Database, *, escalate_to: tuple[str, ...] = ()) -> Approval:
    organization = an_organization(database, f"Contoso {clock.new_id()}")
    question = Question(
        Subject.STEP, clock.new_id(), "Go on?", (), {}, "playbook x 1.0", 60.0, ("tom",), escalate_to=escalate_to
    )
    return database.run_now(lambda tx: approvals.ask(tx, organization, question))


def state(database: Database, asked: Approval) -> Approval:
    return database.read_now(lambda tx: approvals.get(tx, asked.id))


async def test_a_question_whose_time_is_over_is_escalated_and_then_ended(database: Database) -> None:
    time = Time().start()
    asked, other = ask(database, escalate_to=("boss",)), ask(database)
    patience = Patience(database)
    assert await patience.settle() == LONGEST_LOOK
    time.pass_by(59)
    assert 0.9 <= await patience.settle() <= 1.0
    time.pass_by(2)
    await patience.settle()
    assert state(database, other).state is State.EXPIRED
    escalated = state(database, asked)
    assert escalated.open
    assert escalated.escalated_at is not None
    time.now = escalated.expires_at + timedelta(seconds=1)
    assert await patience.settle() == LONGEST_SLEEP
    assert state(database, asked).state is State.EXPIRED


async def test_the_task_settles_what_falls_due_while_it_sleeps_and_ends_when_told(embedded: Database) -> None:
    time = Time().start()
    asked = ask(embedded)
    stop = asyncio.Event()
    task = asyncio.create_task(Patience(embedded).run_forever(stop))
    time.pass_by(61)
    # A change of any question rings; the next look then finds this one due.
    await embedded.run(lambda tx: tx.changed(asked.organization_id, "approval", "a-1", "answered"))
    async with asyncio.timeout(90):
        async for batch in changes.follow(embedded, 0):
            if any(each.kind == State.EXPIRED for each in batch):
                break
    stop.set()
    await task


async def test_a_question_of_a_run_that_is_over_is_void(database: Database) -> None:
    stage = Stage.set(database, {"one": {"action": "contoso.pure"}})
    run_id = stage.request()
    question = Question(Subject.STEP, f"{run_id}:ask:0", "Go on?", (), {}, "playbook x 1.0", 60.0)
    asked = database.run_now(lambda tx: approvals.ask(tx, stage.organization_id, question))
    patience = Patience(database)
    await patience.settle()
    assert state(database, asked).open
    await stage.runner().advance(run_id)
    assert stage.run(run_id)["status"] == "succeeded"
    await patience.settle()
    after = state(database, asked)
    assert (after.state, after.detail) == (State.VOID, "The run that asked is over.")
