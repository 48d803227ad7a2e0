"""A question is asked once, answered by enough of the right people, and over in time."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from accounts_samples import an_organization
from ringfence import clock
from ringfence.approvals import service
from ringfence.approvals.model import Approval, Question, State, Subject
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.storage import Database

QUESTION = Question(
    Subject.CONTAINMENT,
    "c-1",
    "Cut wks-001.contoso.com off the network?",
    ("It is a server.",),
    {"machine_id": "a" * 40},
    asked_by="mara",
    patience=600.0,
)


@pytest.fixture
def organization(database: Database) -> str:
    return an_organization(database)


class Time:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 1_772_352_000.0

    def shift(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def travel() -> Iterator[Time]:
    time = Time()
    clock.replace(lambda: time.now)
    yield time
    clock.replace(None)


def ask(database: Database, organization: str, question: Question = QUESTION) -> Approval:
    return database.run_now(lambda tx: service.ask(tx, organization, question))


def answer(database: Database, asked: Approval, by: str, yes: bool, comment: str = "") -> Approval:
    return database.run_now(
        lambda tx: service.answer(
            tx, asked.id, organization_id=asked.organization_id, by=by, yes=yes, via="page", comment=comment
        )
    )


def settle(database: Database, asked: Approval) -> Approval:
    return database.run_now(lambda tx: service.settle(tx, asked))


def test_a_question_is_open_once_however_often_it_is_asked(database: Database, organization: str) -> None:
    first = ask(database, organization)
    assert ask(database, organization, replace(QUESTION, text="Again?")).id == first.id
    assert database.read_now(lambda tx: service.listed(tx, organization)) == [first]
    assert first.question == QUESTION


def test_one_yes_approves_and_one_no_rejects(database: Database, organization: str) -> None:
    assert answer(database, ask(database, organization), "ines", True).state is State.APPROVED
    second = ask(database, organization)
    rejected = answer(database, second, "ines", False, "It is the payroll host.\x00")
    assert rejected.state is State.REJECTED
    assert "ines said no: It is the payroll host." in rejected.detail
    assert database.read_now(lambda tx: service.listed(tx, organization)) == []
    both = database.read_now(lambda tx: service.listed(tx, organization, open_only=False))
    assert {each.state for each in both} == {State.APPROVED, State.REJECTED}


def test_two_different_people_are_two(database: Database, organization: str) -> None:
    asked = ask(database, organization, replace(QUESTION, needed=2))
    once = answer(database, asked, "ines", True)
    assert once.open
    assert answer(database, asked, "ines", True).yeses == 1
    assert answer(database, asked, "tom", True).state is State.APPROVED


def test_who_asked_may_only_withdraw(database: Database, organization: str) -> None:
    asked = ask(database, organization)
    with pytest.raises(Forbidden, match="asked for themselves"):
        answer(database, asked, "mara", True)
    assert answer(database, asked, "mara", False).state is State.REJECTED


def test_who_is_not_asked_changes_nothing(database: Database, organization: str) -> None:
    asked = ask(database, organization, replace(QUESTION, approvers=("tom",)))
    for yes in (True, False):
        with pytest.raises(Forbidden, match="for tom"):
            answer(database, asked, "olaf", yes)
    assert database.read_now(lambda tx: service.get(tx, asked.id)).open


def test_silence_ends_the_question(database: Database, organization: str, travel: Time) -> None:
    asked = ask(database, organization)
    assert settle(database, asked).open
    travel.shift(600)
    with pytest.raises(Conflict, match="over: expired"):
        answer(database, asked, "ines", True)
    expired = settle(database, asked)
    assert expired.state is State.EXPIRED
    assert expired.detail == "Nobody answered in time."
    assert ask(database, organization).id != asked.id


def test_silence_is_escalated_once(database: Database, organization: str, travel: Time) -> None:
    asked = ask(database, organization, replace(QUESTION, approvers=("tom",), escalate_to=("boss",)))
    travel.shift(601)
    escalated = settle(database, asked)
    assert escalated.open
    assert escalated.may_answer == ("tom", "boss")
    assert settle(database, escalated) == escalated
    travel.shift(601)
    assert settle(database, escalated).state is State.EXPIRED


def test_a_void_question_takes_no_answer(database: Database, organization: str) -> None:
    asked = ask(database, organization)
    voided = database.run_now(lambda tx: service.void(tx, asked, "The host has changed."))
    assert voided.state is State.VOID
    with pytest.raises(Conflict):
        answer(database, asked, "ines", True)


def test_another_organization_sees_no_question(database: Database, organization: str) -> None:
    asked = ask(database, organization)
    with pytest.raises(NotFound):
        database.run_now(
            lambda tx: service.answer(tx, asked.id, organization_id="other", by="ines", yes=True, via="page")
        )


@pytest.mark.parametrize("patience", [0.0, -1.0, float("inf"), float("nan")])
def test_time_without_bounds_is_refused(embedded: Database, patience: float) -> None:
    organization = an_organization(embedded)
    with pytest.raises(Invalid):
        ask(embedded, organization, replace(QUESTION, patience=patience))


async def test_answers_at_the_same_moment_are_counted_one_after_the_other(
    database: Database, organization: str
) -> None:
    asked = ask(database, organization, replace(QUESTION, needed=4))
    people = ("ines", "tom", "olaf", "petra")
    await asyncio.gather(*(asyncio.to_thread(answer, database, asked, person, True) for person in people))
    after = database.read_now(lambda tx: service.get(tx, asked.id))
    assert after.state is State.APPROVED
    assert after.yeses == 4


def test_questions_are_listed_by_pages_and_counted(database: Database, organization: str) -> None:
    made = [ask(database, organization, replace(QUESTION, subject_id=f"c-{number}")).id for number in range(5)]
    first = database.read_now(lambda tx: service.page(tx, organization, limit=3))
    assert [each.id for each in first.items] == made[:1:-1]
    rest = database.read_now(lambda tx: service.page(tx, organization, cursor=first.next, limit=3))
    assert ([each.id for each in rest.items], rest.next) == (made[1::-1], None)
    assert database.read_now(lambda tx: service.open_count(tx, organization)) == 5
    with pytest.raises(Invalid, match="cursor"):
        database.read_now(lambda tx: service.page(tx, organization, cursor="x\x00"))


def test_what_is_due_is_found_in_its_order(database: Database, organization: str, travel: Time) -> None:
    later = ask(database, organization)
    sooner = ask(database, organization, replace(QUESTION, subject_id="c-2", patience=60.0))
    assert database.read_now(service.next_due) == sooner.expires_at
    assert database.read_now(service.due) == []
    travel.shift(600)
    assert [each.id for each in database.read_now(service.due)] == [sooner.id, later.id]
    assert database.read_now(lambda tx: service.get(tx, later.id)).open
