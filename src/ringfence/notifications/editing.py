"""Change a channel: what waits for it goes on waiting, and rules that name it follow. Inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final

import sqlalchemy as sa

from ringfence.errors import Conflict, Invalid
from ringfence.notifications import channels, outbox, rulebook, shapes
from ringfence.notifications.channels import Channel
from ringfence.notifications.routing import Who
from ringfence.notifications.sending import Mail, Target
from ringfence.playbooks import library
from ringfence.playbooks.checks.base import texts
from ringfence.playbooks.document import read
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import channels as table

_MAIL: Final = ("to", "host", "port", "security", "sender", "user", "password")
_NAMING: Final = {"notify.send": "to", "mail.send": "by"}
"""The steps that name a channel, and in which field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is to be changed of a channel; None stays. A `port` of 0 is the usual one, an empty `sender` the first of `to`.

    An `address` makes it a service, a mail server makes it mail. The password that is kept goes to its own server and user
    only: with another of either it is given again.
    """

    name: str | None = None
    address: str | None = field(default=None, repr=False)
    to: Sequence[str] | None = None
    host: str | None = None
    port: int | None = None
    security: str | None = None
    sender: str | None = None
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    person: str | None = None
    events: Sequence[str] | None = None
    pause: float | None = None
    quiet: str | None = None
    by_rules: bool | None = None

    @property
    def nothing(self) -> bool:
        """Whether it says nothing."""
        return all(getattr(self, each.name) is None for each in fields(self))


def version(tx: Transaction, channel: Channel) -> str:
    """Return what changes with all that people change of a channel, its secret too, and with nothing else."""
    sealed = tx.scalar(sa.select(table.c.sealed).where(table.c.id == channel.id))
    said = [
        getattr(channel, each) for each in ("id", "name", "shown", "person", "events", "pause", "quiet", "by_rules")
    ]
    return editions.edition(*said, sealed)


def mail_of(tx: Transaction, vault: Vault, channel: Channel) -> Mail | None:
    """Return by which server a channel writes mails, without its password; None for one that writes none of its own."""
    opened = channels.target(tx, vault, channel) if channel.kind == channels.MAIL else None
    return replace(opened, password="") if isinstance(opened, Mail) else None


def change(
    tx: Transaction,
    vault: Vault,
    organization_id: str,
    name: str,
    wanted: Wanted,
    *,
    by: str,
    seen: str | None = None,
) -> Channel:
    """Change a channel and return it; one that failed is tried again at once, by its new address if it has one.

    What waits for it follows its new quiet hours.

    Outdated if it is not any more as it was `seen` (see `version`). Invalid for what cannot be a channel. Conflict if the name
    is taken, or a published playbook writes to the old one.
    """
    found = channels.locked(tx, organization_id, name)
    editions.demand(seen, version(tx, found))
    target = _target(tx, vault, found, wanted)
    values = _values(found, wanted)
    channels.check_words(
        values.get("name", found.name),
        values.get("events", found.events),
        values.get("pause", found.pause),
        values.get("quiet", found.quiet),
    )
    changed = {each: value for each, value in values.items() if value != getattr(found, each)}
    if "name" in changed:
        _demand_free(tx, found, changed["name"])
    after = channels.put(tx, vault, found, changed, target, by=by)
    if "name" in changed:
        _follow(tx, organization_id, found.name, after.name, by)
    if "quiet" in changed:
        outbox.hold_anew(tx, after)
    return after


def _values(found: Channel, wanted: Wanted) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if wanted.name is not None:
        values["name"] = storable(wanted.name).strip()
    if wanted.person is not None:
        values["person"] = storable(wanted.person).strip() or None
    if wanted.events is not None:
        values["events"] = tuple(sorted(set(wanted.events)))
    if wanted.pause is not None:
        values["pause"] = wanted.pause
    if wanted.quiet is not None:
        values["quiet"] = wanted.quiet.strip()
    if wanted.by_rules is not None:
        values["by_rules"] = wanted.by_rules
    return values


def _target(tx: Transaction, vault: Vault, found: Channel, wanted: Wanted) -> Target | None:
    """Return where a channel is to lead to, None where that stays."""
    address = (wanted.address or "").strip()
    given = {name: getattr(wanted, name) for name in _MAIL if getattr(wanted, name) is not None}
    if not address and not given:
        return None
    if found.kind == channels.ADDRESS:
        raise Conflict(
            f"{found.shown} is the address that a rule or a service names.",
            advice="Name another address there: what leads to this one stays.",
        )
    if address:
        return shapes.new_channel(found.name, address=address, to=wanted.to or (), host=wanted.host or "").target
    before = channels.target(tx, vault, found)
    after = shapes.new_channel(found.name, **_mail(before if isinstance(before, Mail) else None, given)).target
    return after if after != before else None


def _mail(before: Mail | None, given: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return given | {"port": given.get("port") or None}
    security, port = given.get("security", before.security), given.get("port")
    if port is None:
        port = None if before.port == shapes.USUAL_PORTS[before.security] else before.port
    host, user = str(given.get("host", before.host)).strip(), str(given.get("user", before.user)).strip()
    password = given.get("password") or ""
    if user and not password:
        if (host.casefold(), user) != (before.host.casefold(), before.user):
            raise Invalid(
                "The password that is kept is for its own server and user only.",
                advice=f"Give the password of {user[:100]} at {host[:100]} too.",
            )
        password = before.password
    first = before.sender == before.to[0] and "sender" not in given
    return {
        "to": given.get("to", before.to),
        "host": host,
        "port": port or None,
        "security": security,
        "sender": "" if first else given.get("sender", before.sender),
        "user": user,
        "password": password if user else "",
    }


def _demand_free(tx: Transaction, found: Channel, name: str) -> None:
    if any(name in (each.name, each.id) for each in channels.every(tx, found.organization_id) if each.id != found.id):
        raise Conflict(f"There already is a channel named {name!r}.", advice="Choose another name, or remove that one.")
    naming = _naming(tx, found.organization_id, found.name)
    if naming:
        raise Conflict(
            f"Playbooks write to {found.name!r} by its name: {', '.join(naming)}.",
            advice="Keep the name, or make a second channel, publish these playbooks with its name, and remove this one.",
        )


def _naming(tx: Transaction, organization_id: str, name: str) -> list[str]:
    """Return the names of the published playbooks that write to a channel by its name."""
    published = {each.version_id: each.name for each in library.published(tx, organization_id)}
    found = []
    for version_id, source in library.sources(tx, organization_id, published):
        playbook = read(source).playbook
        for step in playbook.steps.values() if playbook is not None else ():
            if any(text == name for _, text in texts(step.with_.get(_NAMING.get(step.action, "")), ())):
                found.append(published[version_id])
                break
    return sorted(found)


def _follow(tx: Transaction, organization_id: str, before: str, after: str, by: str) -> None:
    def named(who: Who) -> Who:
        return replace(who, channels=tuple(after if each == before else each for each in who.channels))

    for rule in rulebook.every(tx, organization_id):
        if before in (*rule.who.channels, *rule.escalate_to.channels):
            rule = rulebook.locked(tx, organization_id, rule.id)
            following = replace(rule, who=named(rule.who), escalate_to=named(rule.escalate_to))
            rulebook.put(tx, organization_id, following, by=by)
