import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from accounts_samples import VAULT, an_organization
from dovecot import PASSWORD, Dovecot
from listening_world import publish, runs_of
from ringfence.listeners import mailboxes
from ringfence.listeners.imap import Connection
from ringfence.listeners.inbox import Follower, Inbox
from ringfence.listeners.mailboxes import Afterwards, Mailbox, MailboxState
from ringfence.listeners.pacing import Backoff
from ringfence.storage import Database
from ringfence.storage.tables import mailboxes as mailboxes_table
from ringfence.triggers.listening import Listening

PLAYBOOK = "{type: mailbox, mailbox: abuse}"


def mail(subject: str) -> bytes:
    return f"Message-ID: <{subject}>\r\nFrom: a@fabrikam.com\r\nSubject: {subject}\r\n\r\nhello\r\n".encode()


def connect(database: Database, organization: str, dovecot: Dovecot, **values: Any) -> Mailbox:
    new = dovecot.mailbox(**values)
    connection = Connection(new, PASSWORD)
    connection.close()
    return database.run_now(
        lambda tx: mailboxes.add(
            tx, VAULT, organization, new, uid_validity=connection.uid_validity, last_uid=connection.next_uid - 1
        )
    )


def subjects(database: Database) -> list[str]:
    return [run["trigger"]["message"]["subject"] for run in runs_of(database)]


async def until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not done():  # noqa: ASYNC110 - what is waited for is a row or a mail, which ring no bell here
            await asyncio.sleep(0.02)


async def test_new_mails_start_the_playbook_once_and_are_marked(database: Database, dovecot: Dovecot) -> None:
    organization = an_organization(database)
    dovecot.deliver(mail("from before"))
    connect(database, organization, dovecot)
    publish(database, organization, "Look", PLAYBOOK)
    dovecot.deliver(mail("while nobody worked"))
    stop = asyncio.Event()
    # Two workers follow the same mailbox.
    tasks = [asyncio.create_task(Inbox(database, VAULT, refresh=0.05).run_forever(stop)) for _ in range(2)]
    await until(lambda: len(subjects(database)) == 1)
    await asyncio.to_thread(dovecot.deliver, mail("by push"))
    await until(lambda: len(subjects(database)) == 2)
    await until(lambda: [b"\\Seen" in each for each in dovecot.flags()] == [False, True, True])
    stop.set()
    await asyncio.wait_for(asyncio.gather(*tasks), 90)
    assert subjects(database) == ["while nobody worked", "by push"]
    (found,) = database.read_now(mailboxes.every)
    assert (found.state, found.last_uid) == (MailboxState.FOLLOWED, 3)


async def test_a_mailbox_that_is_added_later_is_followed_and_a_removed_one_is_left(
    embedded: Database, dovecot: Dovecot
) -> None:
    organization, stop = an_organization(embedded), asyncio.Event()
    task = asyncio.create_task(Inbox(embedded, VAULT, refresh=0.05).run_forever(stop))
    connect(embedded, organization, dovecot)
    publish(embedded, organization, "Look", PLAYBOOK)
    await until(lambda: embedded.read_now(mailboxes.every)[0].state is MailboxState.FOLLOWED)
    embedded.run_now(lambda tx: mailboxes.remove(tx, organization, "abuse"))
    await asyncio.to_thread(dovecot.deliver, mail("too late"))
    stop.set()
    await asyncio.wait_for(task, 90)
    assert subjects(embedded) == []


async def test_a_mailbox_that_fails_says_why_and_recovers(embedded: Database, dovecot: Dovecot) -> None:
    organization = an_organization(embedded)
    made = connect(embedded, organization, dovecot)
    publish(embedded, organization, "Look", PLAYBOOK)
    embedded.run_now(lambda tx: tx.execute(sa.update(mailboxes_table).values(port=1)))
    quick = Follower(made.id, embedded, VAULT, Listening(), Backoff(first=0.05, longest=0.05))
    quick.start()
    await until(lambda: embedded.read_now(mailboxes.every)[0].state is MailboxState.FAILING)
    assert "cannot be reached" in embedded.read_now(mailboxes.every)[0].state_reason
    embedded.run_now(lambda tx: tx.execute(sa.update(mailboxes_table).values(port=dovecot.implicit)))
    await asyncio.to_thread(dovecot.deliver, mail("after all"))
    await until(lambda: subjects(embedded) == ["after all"])
    found = embedded.read_now(mailboxes.every)[0]
    assert (found.state, found.state_reason) == (MailboxState.FOLLOWED, "")
    quick.stop()
    await asyncio.to_thread(quick.join, 30)


def test_a_mail_whose_marking_was_cut_off_is_marked_later_and_starts_nothing_again(
    embedded: Database, dovecot: Dovecot
) -> None:
    organization = an_organization(embedded)
    made = connect(embedded, organization, dovecot)
    publish(embedded, organization, "Look", PLAYBOOK)
    dovecot.deliver(mail("cut off"))
    connection = Connection(made, PASSWORD)
    found = connection.fetch(1)
    assert found is not None
    embedded.run_now(lambda tx: mailboxes.take(tx, Listening(), made, connection.uid_validity, found[0]))
    assert b"\\Seen" not in dovecot.flags()[0]
    Follower(made.id, embedded, VAULT, Listening()).read(made, connection)
    connection.close()
    assert b"\\Seen" in dovecot.flags()[0]
    assert subjects(embedded) == ["cut off"]


def test_a_mail_that_comes_while_another_is_marked_is_read_without_being_told_of(
    embedded: Database, dovecot: Dovecot
) -> None:
    organization = an_organization(embedded)
    made = connect(embedded, organization, dovecot)
    publish(embedded, organization, "Look", PLAYBOOK)
    dovecot.deliver(mail("first"))

    class Busy(Connection):
        def settle(self, uid: int) -> None:
            if uid == 1:
                # The server tells of it in the answer to the marking, and when one waits for mail it does not tell again.
                dovecot.deliver(mail("second"))
            super().settle(uid)

    connection = Busy(made, PASSWORD)
    follower = Follower(made.id, embedded, VAULT, Listening())
    while follower.read(made, connection):
        continue
    connection.close()
    assert subjects(embedded) == ["first", "second"]
    assert all(b"\\Seen" in each for each in dovecot.flags())


def test_after_a_renumbering_only_what_is_new_starts_a_playbook(embedded: Database, dovecot: Dovecot) -> None:
    organization = an_organization(embedded)
    made = connect(embedded, organization, dovecot, afterwards=Afterwards.KEEP)
    publish(embedded, organization, "Look", PLAYBOOK)
    follower = Follower(made.id, embedded, VAULT, Listening())
    dovecot.deliver(mail("known"))
    connection = Connection(made, PASSWORD)
    follower.read(made, connection)
    connection.close()
    with dovecot.person() as person:
        # A folder that is made anew numbers its mails anew.
        person.create_folder("Other")
        person.append("Other", mail("known"))
        person.append("Other", mail("new"))
    embedded.run_now(lambda tx: tx.execute(sa.update(mailboxes_table).values(folder="Other", uid_validity=1)))
    again = embedded.read_now(lambda tx: mailboxes.by_id(tx, made.id))
    assert again is not None
    connection = Connection(again, PASSWORD)
    follower.read(again, connection)
    connection.close()
    assert subjects(embedded) == ["known", "new"]
