"""The channels of an organization: make, list, find, remove. Their addresses are sealed, and are opened to send, or to change
what is no secret in them.

All functions work inside the caller's transaction.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time, timedelta
from difflib import get_close_matches
from typing import Any, Final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event as Audited
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.notifications import sending
from ringfence.notifications.events import Event
from ringfence.notifications.sending import Mail, Security, Service, Target
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import channels

PAUSE: Final = 30.0
ADDRESS: Final = "address"
MAIL: Final = "mail"
LONGEST_SAID: Final = 500
_LONGEST_NAME: Final = 100
_LONGEST_PAUSE: Final = 86_400.0
_QUIET: Final = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?: (\S+))?\Z")


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which only what is urgent is sent; they may go over midnight."""

    begins: time
    ends: time
    zone: ZoneInfo

    @classmethod
    def read(cls, text: str) -> "Quiet | None":
        """Read `22:00-06:00 Europe/Berlin`, by default in UTC; None for an empty text, Invalid for any other."""
        if not text.strip():
            return None
        found = _QUIET.match(text.strip())
        try:
            if found is None:
                raise ValueError
            begins = time(int(found[1]), int(found[2]))
            ends = time(int(found[3]), int(found[4]))
        except ValueError:
            raise Invalid(
                f"{text[:60]!r} are no hours.", advice="Write quiet hours as 22:00-06:00 Europe/Berlin."
            ) from None
        try:
            return cls(begins, ends, ZoneInfo(found[5] or "UTC"))
        except (ValueError, OSError, KeyError):
            raise Invalid(
                f"{found[5][:60]!r} is no time zone.",
                advice="Name it as the IANA does: Europe/Berlin, America/New_York, UTC.",
            ) from None

    def until(self, moment: datetime) -> datetime | None:
        """Return when the quiet hours that hold a moment end, None if it is in none."""
        here = moment.astimezone(self.zone)
        over_midnight = self.ends <= self.begins
        now = here.time().replace(tzinfo=None)
        inside = (now >= self.begins or now < self.ends) if over_midnight else self.begins <= now < self.ends
        if not inside:
            return None
        end = here.replace(hour=self.ends.hour, minute=self.ends.minute, second=0, microsecond=0)
        return end + timedelta(days=1) if end <= here else end


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it is shown; an empty `events` means all. `pause` is in seconds.

    One of the kind `address` is a mail address that a rule or a service names: it is written to by the server of the
    organization's first mail channel. With `by_rules` a channel gets only what a rule sends there.
    """

    id: str
    organization_id: str
    name: str
    kind: str
    shown: str
    person: str | None
    events: tuple[str, ...]
    pause: float
    quiet: str
    created_at: datetime
    created_by: str
    failures: int
    error: str
    delivered_at: datetime | None
    by_rules: bool = False

    def wants(self, event: Event) -> bool:
        """Whether it is told of an event by its own list."""
        return not self.by_rules and (not self.events or event.value in self.events)


@dataclass(frozen=True, slots=True)
class NewChannel:
    """A channel to be made; `person` is who alone reads it, and may answer by its links."""

    name: str
    target: Target
    person: str | None = None
    events: tuple[str, ...] = ()
    pause: float = PAUSE
    quiet: str = ""
    by_rules: bool = False


def check(new: NewChannel) -> None:
    """Raise Invalid unless the channel could be made."""
    check_words(new.name, new.events, new.pause, new.quiet)
    sending.check(new.target)


def check_words(name: str, events: Sequence[str], pause: float, quiet: str) -> None:
    """Raise Invalid unless this could be said of a channel, wherever it leads to."""
    if not 1 <= len(name.strip()) <= _LONGEST_NAME or not name.strip().isprintable():
        raise Invalid("This cannot be a channel's name.", advice="Use 1 to 100 characters that can be seen.")
    if unknown := [each for each in events if each not in list(Event)]:
        raise Invalid(f"There is no event {unknown[0][:60]!r}.", advice=f"Events are: {', '.join(Event)}.")
    if not 0 <= pause <= _LONGEST_PAUSE:
        raise Invalid("Between two messages there are 0 s to 1 d.")
    Quiet.read(quiet)


def add(tx: Transaction, vault: Vault, organization_id: str, new: NewChannel, *, by: str) -> Channel:
    """Make a channel; Invalid if it cannot be one, Conflict if the name is taken."""
    check(new)
    channel_id, name = clock.new_id(), storable(new.name).strip()
    row = {
        "id": channel_id,
        "organization_id": organization_id,
        "name": name,
        **_led(vault, organization_id, channel_id, new.target),
        "person": storable(new.person).strip() or None if new.person is not None else None,
        "events": sorted(set(new.events)),
        "pause": new.pause,
        "quiet": new.quiet.strip(),
        "by_rules": new.by_rules,
        "created_at": clock.now(),
        "created_by": storable(by),
    }
    tx.insert_new(channels, [row])
    made = by_name(tx, organization_id, name)
    if made.id != channel_id:
        raise Conflict(f"There already is a channel named {name!r}.", advice="Choose another name, or remove that one.")
    said = {
        "name": made.name,
        "kind": made.kind,
        "shown": made.shown,
        "person": made.person,
        "events": list(made.events),
    }
    log.write(tx, Audited.CHANNEL_ADDED, organization_id, made.id, details=said, actor=by)
    tx.changed(organization_id, "channel", made.id, "created")
    return made


def put(
    tx: Transaction,
    vault: Vault,
    channel: Channel,
    changed: Mapping[str, Any],
    target: Target | None,
    *,
    by: str,
) -> Channel:
    """Write what was changed of a channel, and where it leads to unless that stays; one that failed is tried again at once.

    Where it leads elsewhere, nothing is known to work yet. Invalid if nothing could be sent there. No row of what is on its
    way is touched.
    """
    if not changed and target is None:
        return channel
    values = {**changed, **({"events": list(changed["events"])} if "events" in changed else {})}
    said = dict(values)
    if target is not None:
        sending.check(target)
        values |= _led(vault, channel.organization_id, channel.id, target)
        values |= {"failures": 0, "error": "", "delivered_at": None}
        said |= {"kind": values["kind"], "shown": values["shown"]}
    if channel.failures:
        values["next_at"] = None
    tx.execute(sa.update(channels).where(channels.c.id == channel.id).values(values))
    details = {"name": channel.name, "changed": said}
    log.write(tx, Audited.CHANNEL_CHANGED, channel.organization_id, channel.id, details=details, actor=by)
    tx.changed(channel.organization_id, "channel", channel.id, "changed")
    return by_name(tx, channel.organization_id, channel.id)


def for_address(tx: Transaction, organization_id: str, address: str) -> Channel:
    """Return the channel of a mail address, which is made where there is none."""
    known = [each for each in every(tx, organization_id) if each.kind == ADDRESS and each.shown == address]
    if known:
        return known[0]
    taken = {each.name for each in every(tx, organization_id)}
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "name": address if address not in taken else f"{address} (address)",
        "kind": ADDRESS,
        "shown": storable(address),
        "sealed": "",
        "events": [],
        "pause": PAUSE,
        "by_rules": True,
        "created_at": clock.now(),
        "created_by": "Ringfence",
    }
    tx.insert_new(channels, [row])
    made = by_name(tx, organization_id, str(row["name"]))
    said = {"name": made.name, "kind": ADDRESS, "shown": made.shown}
    log.write(tx, Audited.CHANNEL_ADDED, organization_id, made.id, details=said)
    tx.changed(organization_id, "channel", made.id, "created")
    return made


def by_rules_only(channel: Channel) -> Channel:
    """Return a channel as if it were told only what rules send there."""
    return replace(channel, by_rules=True)


def writes_mails(tx: Transaction) -> bool:
    """Say whether any organization has a channel that writes mails."""
    return tx.one(sa.select(channels.c.id).where(channels.c.kind == MAIL).limit(1)) is not None


def every(tx: Transaction, organization_id: str) -> list[Channel]:
    """Return an organization's channels in the order of their names."""
    query = sa.select(channels).where(channels.c.organization_id == organization_id).order_by(channels.c.name)
    return [_channel(row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Channel:
    """Return a channel by its name or id; NotFound, with the names that there are, if there is none."""
    known = every(tx, organization_id)
    for each in known:
        if name in (each.name, each.id):
            return each
    near = get_close_matches(name, [each.name for each in known], 1)
    names = ", ".join(each.name for each in known)
    make = "Make it: `ringfence channel add`."
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {names}." if names else make
    raise NotFound(f"There is no channel named {name[:100]!r}.", advice=advice)


def locked(tx: Transaction, organization_id: str, name: str) -> Channel:
    """Return a channel as `by_name` does, and let nobody else change it until the transaction ends."""
    found = by_name(tx, organization_id, name)
    tx.one(sa.select(channels.c.id).where(channels.c.id == found.id).with_for_update())
    return by_name(tx, organization_id, found.id)


def remove(tx: Transaction, organization_id: str, name: str) -> Channel:
    """Remove a channel, its address, and what was on its way to it."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(channels).where(channels.c.id == found.id))
    log.write(
        tx, Audited.CHANNEL_REMOVED, organization_id, found.id, details={"name": found.name, "shown": found.shown}
    )
    tx.changed(organization_id, "channel", found.id, "removed")
    return found


def tried(tx: Transaction, organization_id: str, name: str, error: str | None) -> None:
    """Keep what a test of a channel showed; when what is on its way to it is tried again stays as it was."""
    found = by_name(tx, organization_id, name)
    values: dict[str, object] = {"failures": 0, "error": "", "delivered_at": clock.now()}
    if error is not None:
        values = {"failures": max(found.failures, 1), "error": storable(error)[:LONGEST_SAID]}
    tx.execute(sa.update(channels).where(channels.c.id == found.id).values(values))
    tx.changed(organization_id, "channel", found.id, "failing" if error is not None else "delivered")


def target(tx: Transaction, vault: Vault, channel: Channel) -> Target:
    """Open where a channel leads to; Conflict for an address where the organization has no mail channel to send it by."""
    if channel.kind == ADDRESS:
        server = next((each for each in every(tx, channel.organization_id) if each.kind == "mail"), None)
        found = target(tx, vault, server) if server is not None else None
        if not isinstance(found, Mail):
            raise Conflict(
                f"Nothing can be sent to {channel.shown}: no channel of the organization writes mails.",
                advice="Add one, whose server is then used: `ringfence channel add NAME --host … --to …`.",
            )
        return replace(found, to=(channel.shown,))
    sealed = tx.scalar(sa.select(channels.c.sealed).where(channels.c.id == channel.id))
    if sealed is None:
        raise NotFound("The channel was removed.")
    opened: Mapping[str, Any] = json.loads(vault.open(channel.organization_id, _purpose(channel.id), sealed))
    if channel.kind == "service":
        return Service(opened["address"])
    return Mail(**{**opened, "security": Security(opened["security"]), "to": tuple(opened["to"])})


def _led(vault: Vault, organization_id: str, channel_id: str, target: Target) -> dict[str, str]:
    return {
        "kind": MAIL if isinstance(target, Mail) else "service",
        "shown": storable(target.shown),
        "sealed": vault.seal(organization_id, _purpose(channel_id), json.dumps(asdict(target))),
    }


def _purpose(channel_id: str) -> str:
    return f"channel:{channel_id}"


def _channel(row: sa.RowMapping) -> Channel:
    shown = {name: row[name] for name in Channel.__dataclass_fields__}
    return Channel(**{**shown, "events": tuple(row["events"])})
