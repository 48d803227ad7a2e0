import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import VAULT, an_organization
from listening_world import publish, runs_of
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.listeners import mailboxes
from ringfence.listeners.mailboxes import Afterwards, Mail, Mailbox, MailboxState, NewMailbox, Tls
from ringfence.playbooks import library
from ringfence.storage import Database, changes
from ringfence.storage.tables import mailbox_messages
from ringfence.storage.tables import mailboxes as mailboxes_table
from ringfence.triggers.listening import Listening

PASSWORD = "s3cret-of-the-mailbox"


def new(**values: Any) -> NewMailbox:
    given: dict[str, Any] = {
        "name": "abuse",
        "host": "mail.contoso.com",
        "port": 993,
        "tls": Tls.IMPLICIT,
        "username": "soc@contoso.com",
        "password": PASSWORD,
    }
    return NewMailbox(**given | values)


def a_mailbox(database: Database, organization: str, **values: Any) -> Mailbox:
    return database.run_now(
        lambda tx: mailboxes.add(tx, VAULT, organization, new(**values), uid_validity=7, last_uid=10)
    )


def a_mail(uid: int, subject: str = "hello") -> Mail:
    raw = f"Message-ID: <{uid}>\r\nFrom: a@fabrikam.com\r\nSubject: {subject}\r\n\r\nhello {uid}\r\n".encode()
    return Mail(uid, raw, len(raw))


def take(database: Database, mailbox: Mailbox, mail: Mail, validity: int = 7) -> list[str | None]:
    listening = Listening()
    found = database.run_now(lambda tx: mailboxes.take(tx, listening, mailbox, validity, mail))
    return [each.run_id for each in found]


def test_a_password_is_sealed_and_shown_nowhere(database: Database) -> None:
    organization = an_organization(database)
    made = a_mailbox(database, organization)
    stored = database.read_now(lambda tx: tx.all(sa.select(mailboxes_table)))
    assert PASSWORD not in str(stored)
    assert PASSWORD not in repr(new())
    assert made.password_sealed not in repr(made)
    assert VAULT.open(organization, mailboxes.purpose(made.id), made.password_sealed) == PASSWORD
    assert (made.state, made.uid_validity, made.last_uid) == (MailboxState.NEW, 7, 10)


@pytest.mark.parametrize(
    "values",
    [
        {"name": " "},
        {"name": "a\nb"},
        {"host": ""},
        {"host": "a b"},
        {"port": 0},
        {"password": "a\r\nb"},
        {"username": ""},
        {"folder": "\0"},
        {"afterwards": Afterwards.MOVE},
        {"move_to": "Done"},
    ],
)
def test_what_cannot_be_connected_is_told(values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        mailboxes.check(new(**values))
    assert len(caught.value.problems) == 1


def test_mailboxes_are_found_by_name_and_removed_with_what_came(database: Database) -> None:
    organization = an_organization(database)
    with pytest.raises(NotFound, match="ringfence mailbox add"):
        database.read_now(lambda tx: mailboxes.by_name(tx, organization, "abuse"))
    made = a_mailbox(database, organization)
    with pytest.raises(Conflict):
        a_mailbox(database, organization)
    with pytest.raises(NotFound, match="Did you mean 'abuse'"):
        database.read_now(lambda tx: mailboxes.by_name(tx, organization, "abse"))
    take(database, made, a_mail(11))
    database.run_now(lambda tx: mailboxes.remove(tx, organization, "abuse"))
    assert database.read_now(mailboxes.every) == []
    assert database.read_now(lambda tx: tx.all(sa.select(mailbox_messages))) == []
    assert take(database, made, a_mail(12)) == []


def test_a_mail_starts_each_playbook_that_it_fits_once(database: Database) -> None:
    organization = an_organization(database)
    made = a_mailbox(database, organization)
    a_mailbox(database, organization, name="other")
    trigger = "{type: mailbox, mailbox: abuse, where: \"contains(message.subject, 'phish')\"}"
    fits = publish(database, organization, "Fits", trigger)
    publish(database, organization, "Elsewhere", "{type: mailbox, mailbox: other}")
    publish(database, organization, "Paused", "{type: mailbox, mailbox: abuse}")
    database.run_now(lambda tx: library.pause(tx, organization, "Paused"))
    take(database, made, a_mail(11, "phishing?"))
    take(database, made, a_mail(12, "lunch"))
    assert take(database, made, a_mail(11, "phishing?")) == []
    (run,) = runs_of(database, fits)
    assert run["trigger"]["message"]["subject"] == "phishing?"
    second, first = database.read_now(lambda tx: mailboxes.came(tx, made))
    assert [(each.playbook, each.run_id) for each in first.outcomes] == [("Fits", run["id"]), ("Paused", None)]
    assert (first.sender, first.subject, first.message_id) == ("a@fabrikam.com", "phishing?", "<11>")
    assert second.outcomes[0].reason.endswith("is not true for this mail.")
    (found,) = database.read_now(lambda tx: [each for each in mailboxes.every(tx, organization) if each.id == made.id])
    assert found.last_uid == 12


async def test_two_workers_take_a_mail_once(database: Database) -> None:
    organization = an_organization(database)
    made = a_mailbox(database, organization)
    publish(database, organization, "Fits", "{type: mailbox, mailbox: abuse}")
    listening = [Listening() for _ in range(4)]
    mail = a_mail(11)
    await asyncio.gather(
        *(database.run(lambda tx, each=each: mailboxes.take(tx, each, made, 7, mail)) for each in listening)  # type: ignore[misc]
    )
    assert len(runs_of(database)) == 1


def test_mails_that_are_numbered_anew_are_known_by_what_is_in_them(database: Database) -> None:
    organization = an_organization(database)
    made = a_mailbox(database, organization)
    publish(database, organization, "Fits", "{type: mailbox, mailbox: abuse}")
    take(database, made, a_mail(11))
    database.run_now(lambda tx: mailboxes.renumbered(tx, made.id, 7))
    assert database.read_now(mailboxes.every)[0].last_uid == 11
    database.run_now(lambda tx: mailboxes.renumbered(tx, made.id, 8))
    assert database.read_now(mailboxes.every)[0].last_uid == 0
    moved = a_mail(11)
    assert take(database, made, Mail(1, moved.raw, moved.size), 8) == []
    assert len(take(database, made, a_mail(2), 8)) == 1
    assert len(runs_of(database)) == 2
    # Two mails of one numbering that say the same are two.
    same = a_mail(2)
    assert len(take(database, made, Mail(3, same.raw, same.size), 8)) == 1


def test_what_is_to_be_marked_is_remembered_until_it_was(database: Database) -> None:
    organization = an_organization(database)
    made, kept = (
        a_mailbox(database, organization),
        a_mailbox(database, organization, name="k", afterwards=Afterwards.KEEP),
    )
    for uid in (11, 12):
        take(database, made, a_mail(uid))
        take(database, kept, a_mail(uid))
    assert database.read_now(lambda tx: mailboxes.unsettled(tx, kept.id, 7)) == []
    assert database.read_now(lambda tx: mailboxes.unsettled(tx, made.id, 7)) == [11, 12]
    database.run_now(lambda tx: mailboxes.settled(tx, made.id, 7, 11))
    assert database.read_now(lambda tx: mailboxes.unsettled(tx, made.id, 7)) == [12]


def test_a_state_is_told_when_it_changes_and_only_then(embedded: Database) -> None:
    made = a_mailbox(embedded, an_organization(embedded))
    for _ in range(2):
        embedded.run_now(lambda tx: mailboxes.set_state(tx, made.id, MailboxState.FAILING, "It cannot\x00 be reached."))
    found = embedded.read_now(lambda tx: mailboxes.by_id(tx, made.id))
    assert found is not None
    assert (found.state, found.state_reason) == (MailboxState.FAILING, "It cannot\ufffd be reached.")
    told = [each.kind for each in embedded.read_now(lambda tx: changes.after(tx, 0)) if each.noun == "mailbox"]
    assert told == ["created", "failing"]
