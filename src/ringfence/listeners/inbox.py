"""Follow every mailbox for as long as the worker runs: one thread each, since waiting for mail blocks.

Several workers may follow the same mailbox: a mail is taken once, by a row whose key is the server's number for it.
"""

import asyncio
import threading
from functools import partial
from typing import Final

from ringfence import logs
from ringfence.errors import RingfenceError
from ringfence.listeners import mailboxes
from ringfence.listeners.imap import Connection, Refused
from ringfence.listeners.mailboxes import Mailbox, MailboxState
from ringfence.listeners.pacing import Backoff
from ringfence.security.crypto import Vault
from ringfence.storage import Database, Transaction
from ringfence.triggers.listening import Listening
from ringfence.waiting import pause

REFRESH: Final = 5.0
_DRAIN: Final = 10.0
_log = logs.get(__name__)


class Inbox:
    """Follows the mailboxes of all organizations."""

    def __init__(self, database: Database, vault: Vault, *, refresh: float = REFRESH) -> None:
        self._database = database
        self._vault = vault
        self._refresh = refresh
        self._listening = Listening()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set; a mailbox that is added or removed meanwhile is noticed after a few seconds."""
        followers: dict[str, Follower] = {}
        try:
            while not stop.is_set():
                try:
                    found = {each.id for each in await self._database.read(mailboxes.every)}
                except Exception:
                    _log.exception("mailboxes_not_listed")
                    found = set(followers)
                for mailbox_id in found - set(followers):
                    followers[mailbox_id] = Follower(mailbox_id, self._database, self._vault, self._listening)
                    followers[mailbox_id].start()
                for mailbox_id in set(followers) - found:
                    followers.pop(mailbox_id).stop()
                await pause(stop.wait(), self._refresh)
        finally:
            for follower in followers.values():
                follower.stop()
            await asyncio.gather(*(asyncio.to_thread(each.join, _DRAIN) for each in followers.values()))


class Follower:
    """Follows one mailbox on a thread of its own."""

    def __init__(
        self,
        mailbox_id: str,
        database: Database,
        vault: Vault,
        listening: Listening,
        backoff: Backoff | None = None,
    ) -> None:
        self._mailbox_id = mailbox_id
        self._database = database
        self._vault = vault
        self._listening = listening
        self._backoff = backoff or Backoff()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailbox", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end."""
        self._stopping.set()

    def join(self, seconds: float) -> None:
        """Wait for its end, but no longer than that."""
        self._thread.join(seconds)

    def _run(self) -> None:
        while not self._stopping.is_set():
            mailbox: Mailbox | None = None
            try:
                mailbox = self._database.read_now(lambda tx: mailboxes.by_id(tx, self._mailbox_id))
                if mailbox is None:
                    return
                self._follow(mailbox)
            except RingfenceError as error:
                self._say(MailboxState.FAILING, str(error))
                if isinstance(error, Refused):
                    # Servers lock accounts out that knock too often.
                    self._backoff.failures = max(self._backoff.failures, 3)
                self._stopping.wait(self._backoff.failed())
            except Exception:
                _log.exception("mailbox_failed", mailbox=self._mailbox_id)
                self._stopping.wait(self._backoff.failed())

    def _follow(self, mailbox: Mailbox) -> None:
        """Read what is new, and wait for more, until the connection ends or somebody stops it."""
        purpose = mailboxes.purpose(mailbox.id)
        password = self._vault.open(mailbox.organization_id, purpose, mailbox.password_sealed)
        connection = Connection(mailbox, password)
        try:
            self._say(MailboxState.FOLLOWED)
            while not self._stopping.is_set():
                # A mail that came meanwhile was told of in some answer, and is not told of again.
                while self.read(mailbox, connection):
                    continue
                self._backoff.succeeded()
                connection.wait(self._stopping.is_set)
        finally:
            connection.close()

    def read(self, mailbox: Mailbox, connection: Connection) -> bool:
        """Take every mail that is new, and mark or move what was taken; returns whether there was any."""
        validity = connection.uid_validity
        self._database.run_now(lambda tx: mailboxes.renumbered(tx, mailbox.id, validity))
        current = self._database.read_now(lambda tx: mailboxes.by_id(tx, mailbox.id))
        if current is None:
            return False
        fresh = connection.after(current.last_uid or 0)
        for uid in fresh:
            if self._stopping.is_set():
                return False
            found = connection.fetch(uid)
            # Of mails that were numbered anew, those from before the mailbox was connected were never ours.
            anew = mailbox.uid_validity != validity and uid < connection.next_uid
            if found is None or (anew and found[1] < mailbox.created_at.timestamp() - 1):
                self._database.run_now(partial(_pass, mailbox.id, validity, uid))
            else:
                mail = found[0]
                self._database.run_now(lambda tx, m=mail: mailboxes.take(tx, self._listening, mailbox, validity, m))  # type: ignore[misc]
        taken = self._database.read_now(lambda tx: mailboxes.unsettled(tx, mailbox.id, validity))
        for uid in taken:
            connection.settle(uid)
            self._database.run_now(partial(_settled, mailbox.id, validity, uid))
        return bool(fresh or taken)

    def _say(self, state: MailboxState, reason: str = "") -> None:
        try:
            self._database.run_now(lambda tx: mailboxes.set_state(tx, self._mailbox_id, state, reason))
        except Exception:
            _log.exception("mailbox_state_not_stored", mailbox=self._mailbox_id)


def _pass(mailbox_id: str, uid_validity: int, uid: int, tx: Transaction) -> None:
    mailboxes.passed(tx, mailbox_id, uid_validity, uid)


def _settled(mailbox_id: str, uid_validity: int, uid: int, tx: Transaction) -> None:
    mailboxes.settled(tx, mailbox_id, uid_validity, uid)
