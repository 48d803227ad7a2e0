"""What else an action may ask for: tables of the organization, services by HTTP, alerts, mails, and who waits at a webhook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringfence.playbooks.model import Json


class TablePort(Protocol):
    """The lists that the organization keeps, by name. Failures are ActionErrors.

    An entry, as playbooks see it, has value, note, data, expires_at (ISO 8601 or null), added_at and added_by.
    """

    async def look_up(self, table: str, values: Sequence[str], /) -> list[dict[str, Json] | None]:
        """Return for each value the closest entry that holds it and has not expired, or None."""

    async def put(
        self,
        table: str,
        values: Sequence[str],
        /,
        *,
        note: str,
        data: Mapping[str, str],
        expires_at: datetime | None,
        key: str,
    ) -> int:
        """Put entries in, once for a key, replacing those with the same values; returns how many were new."""

    async def take_out(self, table: str, values: Sequence[str], /) -> int:
        """Take entries out; returns how many were there."""


@dataclass(frozen=True, slots=True)
class QueuedAlert:
    """An alert of the organization's own queue, and what is needed to change it in Defender.

    `id` is ours, empty where it is in no queue. `mine`: it belongs to the account that this run reaches Defender with;
    `changeable`: it is of Defender for Endpoint. `document` is the alert in the form that all sources share.
    """

    id: str
    alert_id: str
    account: str
    mine: bool
    changeable: bool
    document: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a server answered; `address` is where it came from, after redirects. Names of `headers` are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    address: str


class HttpPort(Protocol):
    """Services outside, as far as the organization and the installation allow. Failures are ActionErrors.

    Anything that a server answers is an answer, whatever its status. With a key seen before, the answer of that call is given
    back; where nobody can know whether it was made, it is made again only if that does no harm.
    """

    async def request(
        self,
        method: str,
        address: str,
        /,
        *,
        account: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
        largest: int,
        redirects: int,
        harmless: bool,
        key: str,
    ) -> HttpAnswer:
        """Make one request; `timeout` is in seconds, `largest` the bytes of an answer, `account` a name.

        With an account, `address` may be a path below the account's own. Redirects are followed at most so often, within the
        rules for any other request, and without the credential where they lead to another host.
        """


class MailPort(Protocol):
    """Mails by the mail server of one of the organization's channels. Failures are ActionErrors."""

    async def send(self, *, by: str, to: Sequence[str], subject: str, text: str, key: str) -> int:
        """Send one mail, once for a key; `by` names a mail channel. Returns to how many addresses it went."""


class AlertPort(Protocol):
    """The organization's own queue of alerts. Failures are ActionErrors."""

    async def find(self, alert: str | None, /) -> QueuedAlert:
        """Return an alert by our id or Defender's; None means the one that started the run."""


class CallerPort(Protocol):
    """Who posted the message that started the run, and may still wait for an answer. Failures are ActionErrors."""

    async def answer(self, *, status: int, content_type: str, body: str, key: str) -> bool:
        """Answer, once for a key; returns whether the caller may still be waiting."""
