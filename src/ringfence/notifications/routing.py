"""Rules of who is told of what, and what they mean for a notice. Pure.

A channel is told of what is on its own list, and besides of what a rule sends there. Where several rules lead to one channel,
it is told once, as early as any of them says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence.notifications.channels import Channel, Quiet
from ringfence.notifications.events import KINDS, Event

SEVERITIES: Final = ("Informational", "Low", "Medium", "High")


@dataclass(frozen=True, slots=True)
class Who:
    """Whom a rule tells: names of channels, people and teams, and mail addresses."""

    channels: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()

    @property
    def nobody(self) -> bool:
        """Whether it names nobody."""
        return not (self.channels or self.people or self.teams or self.addresses)

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "Who":
        """Read one as it is stored."""
        return cls(**{name: tuple(document.get(name, ())) for name in cls.__slots__})

    def to_json(self) -> dict[str, list[str]]:
        """Return it as it is stored."""
        return {name: list(getattr(self, name)) for name in self.__slots__}

    @property
    def texts(self) -> tuple[str, ...]:
        """Each as people write it; see `shapes.who`."""
        kinds = (("channel", self.channels), ("person", self.people), ("team", self.teams))
        return (*(f"{kind}:{name}" for kind, names in kinds for name in names), *self.addresses)

    @property
    def shown(self) -> str:
        """It in words."""
        said = [*self.channels, *self.people, *(f"team {each}" for each in self.teams), *self.addresses]
        return ", ".join(said) or "nobody"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Empty `events` and `device_groups` mean all; `severity` is the least, empty for any.

    `quiet` are hours in which only what is urgent is sent. Where nobody has taken a notice over `escalate_after` seconds
    after it was told, and it still stands, `escalate_to` are told too.
    """

    name: str
    who: Who
    events: tuple[str, ...] = ()
    severity: str = ""
    device_groups: tuple[str, ...] = ()
    quiet: str = ""
    escalate_after: float | None = None
    escalate_to: Who = field(default_factory=Who)
    enabled: bool = True
    id: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule can know of something to tell."""

    event: Event
    at: datetime
    severity: str = ""
    device_group: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """The channels, the teams and their people, and the rules of an organization, as they are at a moment."""

    channels: tuple[Channel, ...]
    teams: Mapping[str, tuple[str, ...]]
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """That a channel, or an address without one, is told, and when; `escalated` where nobody has taken it over by then."""

    channel: Channel | None
    address: str
    due_at: datetime
    escalated: bool = False
    rule: str = ""

    @property
    def to(self) -> str:
        """Where it goes."""
        return self.channel.name if self.channel is not None else self.address


def fits(rule: Rule, told: Told) -> bool:
    """Whether a rule is about such a notice; one that has no severity, or no device group, is not held back for that."""
    if not rule.enabled or (rule.events and told.event.value not in rule.events):
        return False
    if rule.severity and told.severity in SEVERITIES:
        return SEVERITIES.index(told.severity) >= SEVERITIES.index(rule.severity) and _in_group(rule, told)
    return _in_group(rule, told)


def _in_group(rule: Rule, told: Told) -> bool:
    wanted = {each.casefold() for each in rule.device_groups}
    return not wanted or not told.device_group or told.device_group.casefold() in wanted


def route(book: Book, told: Told) -> list[Delivery]:
    """Return where a notice goes and when: each channel and address once, and once more where it is an escalation."""
    first: dict[str, Delivery] = {}
    later: dict[str, Delivery] = {}
    for channel in book.channels:
        if channel.wants(told.event):
            _keep(first, Delivery(channel, "", held(channel.quiet, told)))
    for rule in book.rules:
        if not fits(rule, told):
            continue
        for reached, address in _reached(book, rule.who):
            quiet = [rule.quiet, reached.quiet] if reached is not None else [rule.quiet]
            due = max(held(each, told) for each in quiet)
            _keep(first, Delivery(reached, address, due, rule=rule.name))
        if rule.escalate_after is None:
            continue
        for reached, address in _reached(book, rule.escalate_to):
            # Whoever is called to help is called at once, whatever the hour.
            due = told.at + timedelta(seconds=rule.escalate_after)
            _keep(later, Delivery(reached, address, due, escalated=True, rule=rule.name))
    return [*first.values(), *later.values()]


def missing(book: Book, who: Who) -> list[str]:
    """Return those that a rule names and that cannot be reached: people without a channel of their own, for example."""
    found = [f"There is no channel named {each!r}." for each in who.channels if _named(book, each) is None]
    for team in who.teams:
        if team not in book.teams:
            found.append(f"There is no team named {team!r}.")
    people = [*who.people, *(person for team in who.teams for person in book.teams.get(team, ()))]
    reached = {each.person for each in book.channels}
    found += [f"{each} has no channel of their own." for each in dict.fromkeys(people) if each not in reached]
    return found


def _reached(book: Book, who: Who) -> Iterable[tuple[Channel | None, str]]:
    people = {*who.people, *(person for team in who.teams for person in book.teams.get(team, ()))}
    for channel in book.channels:
        if channel.name in who.channels or (channel.person is not None and channel.person in people):
            yield channel, ""
    for address in who.addresses:
        known = next((each for each in book.channels if each.kind == "address" and each.shown == address), None)
        yield known, address if known is None else ""


def _named(book: Book, name: str) -> Channel | None:
    return next((each for each in book.channels if each.name == name), None)


def held(quiet: str, told: Told) -> datetime:
    """Return when quiet hours let a notice go: at once, if it is urgent or comes in none."""
    hours = None if KINDS[told.event].urgent else Quiet.read(quiet)
    return (hours.until(told.at) if hours is not None else None) or told.at


def _keep(found: dict[str, Delivery], new: Delivery) -> None:
    before = found.get(new.to)
    if before is None or new.due_at < before.due_at:
        found[new.to] = new
