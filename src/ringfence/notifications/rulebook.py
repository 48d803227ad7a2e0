"""The rules of an organization: keep, list, remove, and look at what they would have sent. Inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event as Audited
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.notifications import channels
from ringfence.notifications.channels import Quiet
from ringfence.notifications.events import Event
from ringfence.notifications.routing import SEVERITIES, Book, Delivery, Rule, Told, Who, route
from ringfence.organizations import teams
from ringfence.services.service import addresses
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import notices, notification_rules

PREVIEW: Final = timedelta(days=7)
_LONGEST_NAME: Final = 100
_MOST: Final = 100
_MOST_NAMES: Final = 100
_LONGEST_WAIT: Final = 7 * 86_400.0
_SHORTEST_WAIT: Final = 60.0
_MOST_SHOWN: Final = 2_000


@dataclass(frozen=True, slots=True)
class Line:
    """One notice of the past, and where a rule would have sent it."""

    at: datetime
    event: str
    title: str
    path: str
    deliveries: tuple[Delivery, ...]


def check(rule: Rule) -> Rule:
    """Return a rule as it is kept; Invalid if it cannot be one."""
    name = storable(rule.name).strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise Invalid("This cannot be a rule's name.", advice="Use 1 to 100 characters that can be seen.")
    if rule.who.nobody:
        raise Invalid("Nobody would be told.", advice="Name a channel, a person, a team or a mail address.")
    if unknown := [each for each in rule.events if each not in list(Event)]:
        raise Invalid(f"There is no event {unknown[0][:60]!r}.", advice=f"Events are: {', '.join(Event)}.")
    if rule.severity and rule.severity not in SEVERITIES:
        raise Invalid(f"There is no severity {rule.severity[:40]!r}.", advice=f"Take one of: {', '.join(SEVERITIES)}.")
    Quiet.read(rule.quiet)
    if rule.escalate_after is not None and not _SHORTEST_WAIT <= rule.escalate_after <= _LONGEST_WAIT:
        raise Invalid("Others are told after 1 min to 7 d.")
    if (rule.escalate_after is None) != rule.escalate_to.nobody:
        raise Invalid("An escalation needs both: after how long, and who is told then.")
    return Rule(
        name,
        _names(rule.who),
        tuple(sorted(set(rule.events))),
        rule.severity,
        tuple(dict.fromkeys(storable(each).strip() for each in rule.device_groups if each.strip())),
        rule.quiet.strip(),
        rule.escalate_after,
        _names(rule.escalate_to),
        rule.enabled,
        rule.id,
    )


def edition(rule: Rule) -> str:
    """Return what changes with a rule; see `editions`."""
    return editions.edition(rule)


def put(tx: Transaction, organization_id: str, rule: Rule, *, by: str, seen: str | None = None) -> Rule:
    """Make a rule, or change the one with its id; Conflict if another has its name.

    Outdated if it is not any more as it was `seen` (see `edition`).
    """
    if rule.id:
        found = locked(tx, organization_id, rule.id)
        editions.demand(seen, edition(found))
        rule = replace(rule, id=found.id)
    kept = check(rule)
    known = every(tx, organization_id)
    if any(each.name == kept.name and each.id != kept.id for each in known):
        raise Conflict(f"There already is a rule named {kept.name!r}.", advice="Choose another name.")
    values: dict[str, Any] = {
        "name": kept.name,
        "enabled": kept.enabled,
        "events": list(kept.events),
        "severity": kept.severity,
        "device_groups": list(kept.device_groups),
        "who": kept.who.to_json(),
        "quiet": kept.quiet,
        "escalate_after": kept.escalate_after,
        "escalate_to": kept.escalate_to.to_json(),
        "changed_at": clock.now(),
        "changed_by": storable(by),
    }
    if kept.id:
        mine = (notification_rules.c.id == kept.id, notification_rules.c.organization_id == organization_id)
        tx.execute(sa.update(notification_rules).where(*mine).values(values))
        rule_id = kept.id
    else:
        if len(known) >= _MOST:
            raise Conflict(f"An organization has {_MOST} rules at most.", advice="Remove one, or let one say more.")
        rule_id = clock.new_id()
        tx.execute(sa.insert(notification_rules), [values | {"id": rule_id, "organization_id": organization_id}])
    said = {each: item for each, item in values.items() if each not in ("changed_at", "changed_by")}
    log.write(tx, Audited.NOTIFICATION_RULE_CHANGED, organization_id, rule_id, details=said, actor=by)
    tx.changed(organization_id, "notification_rule", rule_id, "changed")
    return by_name(tx, organization_id, rule_id)


def every(tx: Transaction, organization_id: str) -> list[Rule]:
    """Return an organization's rules in the order of their names."""
    query = sa.select(notification_rules).where(notification_rules.c.organization_id == organization_id)
    return [_rule(row) for row in tx.all(query.order_by(notification_rules.c.name))]


def by_name(tx: Transaction, organization_id: str, name: str) -> Rule:
    """Return a rule by its name or id; NotFound, with the names that there are, if there is none."""
    known = every(tx, organization_id)
    for each in known:
        if name in (each.name, each.id):
            return each
    names = ", ".join(each.name for each in known)
    advice = f"There are: {names}." if names else "Make it: `ringfence notification rule`."
    raise NotFound(f"There is no rule of notification named {name[:100]!r}.", advice=advice)


def locked(tx: Transaction, organization_id: str, name: str) -> Rule:
    """Return a rule as `by_name` does, and let nobody else change it until the transaction ends."""
    found = by_name(tx, organization_id, name)
    tx.one(sa.select(notification_rules.c.id).where(notification_rules.c.id == found.id).with_for_update())
    return by_name(tx, organization_id, found.id)


def remove(tx: Transaction, organization_id: str, name: str, *, by: str) -> Rule:
    """Remove a rule; what it has put on its way goes on."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(notification_rules).where(notification_rules.c.id == found.id))
    said = {"name": found.name}
    log.write(tx, Audited.NOTIFICATION_RULE_REMOVED, organization_id, found.id, details=said, actor=by)
    tx.changed(organization_id, "notification_rule", found.id, "removed")
    return found


def book(tx: Transaction, organization_id: str, rules: Sequence[Rule] | None = None) -> Book:
    """Return what decides who is told, by default with the rules that there are."""
    people = {each.name: each.people for each in teams.every(tx, organization_id)}
    kept = every(tx, organization_id) if rules is None else rules
    return Book(tuple(channels.every(tx, organization_id)), people, tuple(kept))


def preview(tx: Transaction, organization_id: str, rule: Rule) -> list[Line]:
    """Return what a rule, kept or not, would have sent in the last seven days, the newest first; the channels' lists aside."""
    kept = check(rule)
    whole = book(tx, organization_id, [kept])
    # Only the rule is looked at: what a channel is told of anyway is none of its doing.
    silent = tuple(channels.by_rules_only(each) for each in whole.channels)
    alone = Book(silent, whole.teams, whole.rules)
    since = (notices.c.organization_id == organization_id, notices.c.at >= clock.now() - PREVIEW)
    rows = tx.all(
        sa.select(notices).where(*since).order_by(notices.c.at.desc(), notices.c.id.desc()).limit(_MOST_SHOWN)
    )
    found = []
    for row in rows:
        if row["event"] not in list(Event):
            continue
        told = Told(Event(row["event"]), row["at"], row["severity"], row["device_group"])
        sent = tuple(each for each in route(alone, told) if not each.escalated or _lasted(row, each.due_at))
        if sent:
            found.append(Line(row["at"], row["event"], row["title"], row["path"], sent))
    return found


def _lasted(notice: sa.RowMapping, until: datetime) -> bool:
    """Whether nobody had taken a notice over by then, and it was not over."""
    ends = [each for each in (notice["taken_at"], notice["over_at"]) if each is not None]
    return until <= clock.now() and all(each > until for each in ends)


def _names(who: Who) -> Who:
    lists = {}
    for name in ("channels", "people", "teams"):
        given = tuple(dict.fromkeys(storable(each).strip() for each in getattr(who, name) if each.strip()))
        if len(given) > _MOST_NAMES:
            raise Invalid(f"A rule names {_MOST_NAMES} {name} at most.", advice="Make a team, or a second rule.")
        lists[name] = given
    return Who(**lists, addresses=tuple(addresses(who.addresses)))


def _rule(row: sa.RowMapping) -> Rule:
    return Rule(
        row["name"],
        Who.of(row["who"]),
        tuple(row["events"]),
        row["severity"],
        tuple(row["device_groups"]),
        row["quiet"],
        row["escalate_after"],
        Who.of(row["escalate_to"]),
        bool(row["enabled"]),
        row["id"],
    )
