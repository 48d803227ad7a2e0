"""One connection to a mailbox by IMAP, always encrypted. Blocks: use it on a thread of its own."""

import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import imapclient
from imapclient.exceptions import LoginError

from ringfence.errors import Invalid, RingfenceError, Unavailable
from ringfence.listeners.mailboxes import Afterwards, Mail, Mailbox, NewMailbox, Tls
from ringfence.triggers.mailbox import MOST_BYTES

_TIMEOUT: Final = 30.0
_SLICE: Final = 1.0
RENEW: Final = 30.0
"""Seconds after which it is looked anyway: servers tell of a new mail once, and may do so in the answer to something else."""
POLL: Final = 60.0
"""Seconds between two looks where the server cannot tell of new mail by itself."""


class Refused(Invalid):
    """The server does not let this user in."""

    code = "mailbox_refused"


class Connection:
    """A mailbox's folder, opened; `uid_validity` names the server's numbering, `next_uid` the number of its next mail."""

    def __init__(self, mailbox: Mailbox | NewMailbox, password: str) -> None:
        """Connect, sign in and open the folder; Refused, Invalid or Unavailable with what to do where that fails."""
        self._afterwards, self._move_to = mailbox.afterwards, mailbox.move_to
        with _told(mailbox):
            context = ssl.create_default_context(cadata=mailbox.ca)
            implicit = mailbox.tls is Tls.IMPLICIT
            self._client: Any = imapclient.IMAPClient(
                mailbox.host,
                mailbox.port,
                ssl=implicit,
                ssl_context=context if implicit else None,
                timeout=_TIMEOUT,
            )
        try:
            with _told(mailbox):
                if not implicit:
                    self._client.starttls(context)
                self._client.login(mailbox.username, password)
                self._idles = bool(self._client.has_capability("IDLE"))
                if self._afterwards is Afterwards.MOVE:
                    self._demand_moving()
                opened = self._client.select_folder(mailbox.folder)
            self.uid_validity = int(opened[b"UIDVALIDITY"])
            self.next_uid = int(opened[b"UIDNEXT"])
        except BaseException:
            self.close()
            raise
        self._mailbox = mailbox

    def after(self, uid: int) -> list[int]:
        """Return the numbers of the mails above `uid`, in their order."""
        with _told(self._mailbox):
            # `n:*` always holds the newest mail, even where its number is below n.
            return sorted(each for each in self._client.search(["UID", f"{uid + 1}:*"]) if each > uid)

    def fetch(self, uid: int) -> tuple[Mail, float] | None:
        """Return a mail and when it came (seconds since the epoch), without marking it; None if it is gone."""
        with _told(self._mailbox):
            said = self._client.fetch([uid], ["RFC822.SIZE", "INTERNALDATE"]).get(uid)
            if said is None:
                return None
            body = self._client.fetch([uid], [f"BODY.PEEK[]<0.{MOST_BYTES}>"]).get(uid, {})
        raw = next((value for name, value in body.items() if name.startswith(b"BODY[]")), None)
        if not isinstance(raw, bytes):
            return None
        came = said[b"INTERNALDATE"]
        return Mail(uid, raw, max(int(said[b"RFC822.SIZE"]), len(raw))), came.timestamp()

    def settle(self, uid: int) -> None:
        """Mark or move a mail as the mailbox says; one that is gone is left alone."""
        with _told(self._mailbox):
            if self._afterwards is Afterwards.SEEN:
                self._client.add_flags([uid], [imapclient.SEEN])
            elif self._afterwards is Afterwards.MOVE:
                self._client.move([uid], self._move_to)

    def wait(self, stopping: Callable[[], bool], *, renew: float = RENEW) -> None:
        """Return when there may be new mail, when it is time to look anyway, or when `stopping` says so."""
        end = time.monotonic() + (renew if self._idles else POLL)
        with _told(self._mailbox):
            if self._idles:
                self._client.idle()
            said: list[Any] = []
            while not said and not stopping() and time.monotonic() < end:
                begun = time.monotonic()
                if self._idles:
                    said = self._client.idle_check(timeout=_SLICE)
                if not said and time.monotonic() - begun < _SLICE / 2:
                    if self._idles:
                        # It answered nothing, and at once: the connection is closed, which the next word shows.
                        break
                    time.sleep(_SLICE)
            if self._idles:
                self._client.idle_done()
            else:
                self._client.noop()

    def close(self) -> None:
        """Sign out, if the server is still there."""
        try:
            self._client.logout()
        except (OSError, imapclient.IMAPClient.Error):
            try:
                self._client.shutdown()
            except (OSError, imapclient.IMAPClient.Error):
                return

    def _demand_moving(self) -> None:
        if not self._client.has_capability("MOVE"):
            raise Invalid(
                "The mail server cannot move mails.", advice="Let mails be marked as seen, or kept as they are."
            )
        if not self._client.folder_exists(self._move_to):
            raise Invalid(
                f"There is no folder {self._move_to!r}.", advice="Make it on the mail server, or name another."
            )


@contextmanager
def _told(mailbox: Mailbox | NewMailbox) -> Iterator[None]:
    """Tell what goes wrong as our own errors, without what the server said word for word."""
    where = f"{mailbox.host}:{mailbox.port}"
    try:
        yield
    except RingfenceError:
        raise
    except LoginError:
        raise Refused(
            f"The mail server {where} does not let {mailbox.username!r} in.",
            advice="Check user name and password; some servers want a password made for applications.",
        ) from None
    except ssl.SSLError as error:
        reason = getattr(error, "verify_message", "") or error.reason or "the handshake failed"
        raise Unavailable(
            f"The connection to {where} cannot be secured: {reason}.",
            advice="Check the port and the kind of TLS; for a certificate of your own, give --ca-file.",
        ) from error
    except imapclient.exceptions.IMAPClientError as error:
        raise Unavailable(
            f"The mail server {where} refused a request ({type(error).__name__}).",
            advice=f"Check that the folder {mailbox.folder!r} exists; it is tried again by itself.",
        ) from error
    except OSError as error:
        raise Unavailable(
            f"The mail server {where} cannot be reached: {error.strerror or type(error).__name__}.",
            advice="Check host and port; it is tried again by itself.",
        ) from error
