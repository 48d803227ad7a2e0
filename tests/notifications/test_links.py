"""A link answers one question, for one person, in one way, once, while the question is open."""

import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from approval_samples import ask, look
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, State
from ringfence.audit import log
from ringfence.errors import Forbidden
from ringfence.notifications import links
from ringfence.notifications.links import DeadLink
from ringfence.organizations import members
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission, Role, command_line
from ringfence.storage import Database
from ringfence.storage.tables import approval_links
from ringfence.storage.tables import approvals as table
from run_world import Time

VAULT = Vault(bytes(32))
SERVER = command_line("root", "")


def made(database: Database, asked: Approval, person: str = "ines") -> tuple[str, str]:
    return database.run_now(lambda tx: links.make(tx, VAULT, asked, person))


def use(database: Database, token: str, comment: str = "") -> Approval:
    return database.run_now(lambda tx: links.use(tx, VAULT, token, comment=comment))


def dead(database: Database, token: str) -> bool:
    try:
        database.read_now(lambda tx: links.look(tx, VAULT, token))
    except DeadLink:
        return True
    return False


def test_a_link_answers_in_its_persons_name_and_then_both_are_dead(database: Database) -> None:
    asked = ask(database, an_organization(database))
    yes, no = made(database, asked)
    opened = database.read_now(lambda tx: links.look(tx, VAULT, yes))
    assert (opened.person, opened.yes, opened.approval.id) == ("ines", True, asked.id)
    assert look(database, asked).open
    after = use(database, yes, "Seen on the phone.")
    assert after.state is State.APPROVED
    assert [(each.by, each.via, each.comment) for each in after.answers] == [("ines", "link", "Seen on the phone.")]
    for token in (yes, no):
        assert dead(database, token)
        with pytest.raises(DeadLink):
            use(database, token)
    written = database.read_now(lambda tx: log.of_subject(tx, asked.organization_id, "approval", [asked.id]))
    assert [(each.actor, each.via) for each in written[1:]] == [("ines", "link"), ("ines", "link")]


def test_who_comes_back_to_a_link_of_theirs_learns_how_its_question_ended(database: Database) -> None:
    asked = ask(database, an_organization(database))
    yes, no = made(database, asked)

    def ended(token: str) -> Approval | None:
        return database.read_now(lambda tx: links.ended(tx, VAULT, token))

    assert ended(yes) is None
    use(database, no, "Call her first.")
    found = ended(yes)
    assert found is not None
    assert found.detail == "ines said no: Call her first."
    assert ended(yes[:-1]) is None
    forgotten = sa.delete(approval_links)
    database.run_now(lambda tx: tx.execute(forgotten))
    assert ended(yes) is None


def test_a_link_gives_nobody_more_than_their_role(database: Database) -> None:
    organization = an_organization(database)
    asked = ask(database, organization, approvers=("dan", "ines"))

    def work_as(name: str, role: Role) -> None:
        database.run_now(lambda tx: members.add(tx, organization, name, role, SERVER))

    work_as("ada", Role.SYSTEM_ADMINISTRATOR)
    work_as("dan", Role.ANALYST)
    work_as("ines", Role.RESPONDER)
    yes, no = made(database, asked, "dan")
    assert dead(database, yes)
    with pytest.raises(DeadLink):
        use(database, no)
    assert look(database, asked).open
    assert use(database, made(database, asked, "ines")[0]).state is State.APPROVED
    may = database.read_now(lambda tx: members.who_may(tx, organization, Permission.APPROVAL_ANSWER))
    assert (may[-1], "dan" in may) == ("ines", False)


def test_the_same_links_are_made_however_often_and_nothing_in_the_database_makes_one(database: Database) -> None:
    asked = ask(database, an_organization(database))
    yes, no = made(database, asked)
    assert made(database, asked) == (yes, no)
    assert made(database, asked, "tom") != (yes, no)
    rows = database.read_now(lambda tx: tx.all(sa.select(approval_links)))
    assert yes.partition(".")[2] not in repr([dict(row) for row in rows])


def test_of_two_people_who_are_needed_each_has_links_of_their_own(database: Database) -> None:
    asked = ask(database, an_organization(database), needed=2)
    ines, tom = made(database, asked)[0], made(database, asked, "tom")[0]
    assert use(database, ines).open
    assert dead(database, ines)
    assert use(database, tom).state is State.APPROVED


def test_a_forged_link_is_dead(database: Database) -> None:
    asked = ask(database, an_organization(database))
    yes, no = made(database, asked)
    link_id, _, signature = yes.partition(".")
    for token in (
        "",
        ".",
        link_id,
        f"{no.partition('.')[0]}.{signature}",
        yes[:-1],
        yes + "0",
        f"{link_id}\x00.{signature}",
        "\ud800.\ud800",
        f"{link_id}.{Vault(bytes(range(32))).sign('approval-link', link_id)}",
    ):
        assert dead(database, token), token
    assert not dead(database, yes)


def test_a_link_dies_with_its_time_and_with_its_question(database: Database) -> None:
    time = Time().start()
    organization = an_organization(database)
    late, voided = ask(database, organization), ask(database, organization, subject_id="c-2")
    first, second = made(database, late)[0], made(database, voided)[0]
    database.run_now(lambda tx: approvals.void(tx, voided, "The host has changed."))
    assert dead(database, second)
    time.pass_by(1_799)
    assert not dead(database, first)
    time.pass_by(1)
    assert dead(database, first)
    with pytest.raises(DeadLink):
        use(database, first)


def test_a_link_lives_through_an_escalation(database: Database) -> None:
    time = Time().start()
    asked = ask(database, an_organization(database), approvers=("ines",), escalate_to=("boss",))
    yes, _ = made(database, asked)
    time.pass_by(1_801)
    database.run_now(lambda tx: approvals.settle(tx, asked))
    assert use(database, yes).state is State.APPROVED


def test_a_link_for_other_facts_is_dead(database: Database) -> None:
    asked = ask(database, an_organization(database))
    yes, _ = made(database, asked)
    changed = sa.update(table).where(table.c.id == asked.id).values(bound_to={"machine_id": "b" * 40})
    database.run_now(lambda tx: tx.execute(changed))
    assert dead(database, yes)


def test_a_link_of_somebody_who_may_not_answer_changes_nothing(database: Database) -> None:
    asked = ask(database, an_organization(database), approvers=("tom",))
    yes, _ = made(database, asked, "ines")
    with pytest.raises(Forbidden):
        use(database, yes)
    assert look(database, asked).open
    assert not dead(database, yes)
