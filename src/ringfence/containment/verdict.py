"""Whether a host may be contained: a policy and the facts in, a verdict with reasons out. Pure.

A verdict is yes, no, or "ask": a person has to say yes first. What is not known counts against containing: a protected host
must never pass as an unprotected one. Tags and onboarding that are not known refuse; any other guard that cannot be answered
asks.
"""

import re
import unicodedata
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from ringfence.containment.policy import Guard, Mode, Policy


class Outcome(StrEnum):
    """What a verdict says."""

    ALLOWED = "allowed"
    ASK = "ask"
    DENIED = "denied"
    NOT_NEEDED = "not_needed"


class Limit(StrEnum):
    """Which limit of policy was reached: the first four stop containing, the others response actions."""

    HOUR = "hour"
    PLAYBOOK = "playbook"
    GROUP = "group"
    FLEET = "fleet"
    RESPONSES = "responses"
    RESPONSES_OF_PLAYBOOK = "responses_of_playbook"
    LIGHT_RESPONSES = "light_responses"
    INDICATORS = "indicators"


CONTAINING: Final = (Limit.HOUR, Limit.PLAYBOOK, Limit.GROUP, Limit.FLEET)
"""The limits that stop containing."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a host and the moment when the verdict is given. None means not known.

    `unseen_seconds` is the time since Defender last heard of it. Counts are of other containments: those decided in the last
    60 minutes, of these for the same playbook and in the same device group, and those that hold a host now or are about to;
    `fleet` is the number of onboarded hosts. `tripped` are brakes that hold until a person lifts them, `lifted` says who
    lifted the limits until when. `by_person`: a person asked. `promoted`: the alert belongs to an incident of ours.
    `handled` says what Defender has done about the alert already, if that is all; `forced`: a person wants it all the same.
    """

    machine_id: str
    name: str | None
    tags: tuple[str, ...] | None
    os_platform: str | None
    onboarding_status: str | None
    health_status: str | None
    last_seen: str | None
    excluded: bool | None
    merged_into: str | None
    decided_last_hour: int
    device_group: str | None = None
    device_value: str | None = None
    domain_admin: bool | None = None
    unseen_seconds: float | None = None
    by_person: bool = False
    promoted: bool = False
    playbook: str | None = None
    decided_for_playbook: int = 0
    decided_in_group: int = 0
    held_now: int = 0
    fleet: int | None = None
    tripped: tuple[str, ...] = ()
    lifted: str = ""
    handled: str = ""
    forced: bool = False


@dataclass(frozen=True, slots=True)
class Brake:
    """A limit that is reached: which one, of which playbook or device group, and the sentence that says so."""

    limit: Limit
    subject: str
    sentence: str

    @property
    def key(self) -> str:
        """What tells the brakes of an organization apart."""
        return brake_key(self.limit, self.subject)


def brake_key(limit: str, subject: str) -> str:
    """Return what tells the brakes of an organization apart."""
    return f"{limit}:{subject}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Yes, no or ask, each reason as a sentence, and the facts it rests on.

    `brakes` are the limits that alone stand against it.
    """

    outcome: Outcome
    reasons: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)
    brakes: tuple[Brake, ...] = ()

    @property
    def allowed(self) -> bool:
        """Whether it may be done without asking anybody."""
        return self.outcome is Outcome.ALLOWED

    def document(self) -> dict[str, Any]:
        """Return it as stored with the containment."""
        return {
            "outcome": self.outcome.value,
            "allowed": self.allowed,
            "reasons": list(self.reasons),
            "facts": self.facts,
        }


_SERVER: Final = re.compile(r"server", re.IGNORECASE)
_CLIENTS: Final = ("windows", "macos", "ios", "android")


def is_server(os_platform: str | None) -> bool | None:
    """Say whether an operating system, as Defender names it, is a server's; None where that cannot be said.

    Linux counts as a server's: Defender names its distributions without saying what the host is for.
    """
    if not os_platform:
        return None
    if _SERVER.search(os_platform):
        return True
    return not _plain(os_platform).startswith(_CLIENTS)


def decide(policy: Policy, facts: Facts) -> Verdict:
    """Give the verdict; every reason against, or for asking, is named, not just the first."""
    if facts.handled and not facts.forced:
        reasons = (facts.handled, "A person can contain the host all the same, by force.")
        return Verdict(Outcome.NOT_NEEDED, reasons, asdict(facts))
    brakes = () if facts.lifted else reached(policy, facts)
    against = [*unfit(facts), *_ineligible(policy, facts), *protection(policy, facts), *_stopped(policy)]
    doubts: list[str] = []
    for guard, sentence in guarded(policy, facts):
        if guard is Guard.REFUSE:
            against.append(f"{sentence} Policy refuses such hosts.")
        elif guard is Guard.ASK:
            doubts.append(sentence)
    if against or brakes:
        said = (*against, *(brake.sentence for brake in brakes))
        return Verdict(Outcome.DENIED, said, asdict(facts), () if against else brakes)
    if facts.by_person and not policy.approvals.people_too:
        asked_for: list[str] = []
    else:
        asked_for = doubts + (["Policy asks before every containment."] if policy.approvals.always else [])
        if facts.by_person:
            asked_for.append("Policy asks for a second person.")
    if asked_for:
        return Verdict(Outcome.ASK, tuple(asked_for), asdict(facts))
    return Verdict(
        Outcome.ALLOWED,
        (
            "The device is onboarded and carries no protected tag or name.",
            *(f"{each} The person who asked knows best." for each in doubts),
            facts.lifted or f"{facts.decided_last_hour} of {policy.max_per_hour} containments of this hour are used.",
            *([f"It is done although it need not be: {facts.handled}"] if facts.handled else []),
        ),
        asdict(facts),
    )


def lastingly(policy: Policy, facts: Facts) -> tuple[str, ...]:
    """Return the reasons against that lie in the host itself, whatever the kill switch, the limits and the alert are."""
    calm = replace(facts, promoted=True, handled="", lifted="This is only a question.")
    found = decide(policy.model_copy(update={"frozen": False}), calm)
    return found.reasons if found.outcome is Outcome.DENIED else ()


def unfit(facts: Facts) -> list[str]:
    """Say why Defender could not act on this record."""
    found: list[str] = []
    if facts.merged_into:
        found.append(f"Defender has merged this record into {facts.merged_into}; use that one.")
    if facts.excluded:
        found.append("Defender lists this device as excluded.")
    if facts.onboarding_status != "Onboarded":
        found.append(
            f"The device is not onboarded to Defender (its status is {facts.onboarding_status or 'unknown'}), "
            "so it cannot be acted on."
        )
    return found


def _ineligible(policy: Policy, facts: Facts) -> list[str]:
    """Say why policy contains no host like this one."""
    found: list[str] = []
    if policy.mode is Mode.NONE:
        found.append("Policy allows no containment at all (mode: none).")
    if (
        policy.mode is Mode.TAGGED
        and facts.tags is not None
        and not any(_matches(tag, policy.contain_tags) for tag in facts.tags)
    ):
        wanted = " or ".join(policy.contain_tags) or "a tag, and none is named"
        found.append(f"Policy contains only hosts with the tag {wanted}, and this one has none of them.")
    if policy.incident_required and not facts.promoted and not facts.by_person:
        found.append("Policy contains only hosts of an alert that was promoted to an incident, and this one was not.")
    return found


def protection(policy: Policy, facts: Facts) -> list[str]:
    """Say why policy protects this host; what is not known may be protected."""
    found: list[str] = []
    if facts.tags is None:
        found.append("The tags of the device are not known, so it may be protected.")
    for tag in facts.tags or ():
        if pattern := _matches(tag, policy.protected_tags):
            found.append(f"The device is protected by its tag {tag!r} (policy: {pattern}).")
    if facts.name is None:
        if policy.protected_names:
            found.append("The name of the device is not known, so it may be protected.")
    else:
        name = facts.name.rstrip(".")
        label = name.partition(".")[0]
        pattern = _matches(name, policy.protected_names) or _matches(label, policy.protected_names)
        if pattern:
            found.append(f"The device is protected by its name {facts.name} (policy: {pattern}).")
    if policy.protected_groups:
        if facts.device_group is None:
            found.append("The device group is not known, so the device may be protected.")
        elif pattern := _matches(facts.device_group, policy.protected_groups):
            found.append(f"The device is protected by its group {facts.device_group!r} (policy: {pattern}).")
    return found


FROZEN: Final = "The kill switch is on: nothing new is contained until it is taken off. Releases go on."


def _stopped(policy: Policy) -> list[str]:
    return [FROZEN] if policy.frozen else []


def reached(policy: Policy, facts: Facts) -> tuple[Brake, ...]:
    """Return the limits that are reached, and those that were and hold until a person lifts them."""
    found: list[Brake] = []

    def limit(limit: Limit, subject: str, used: int, most: int | None, whose: str) -> None:
        if most is None:
            return
        if used >= most:
            said = f"{used} containments{whose} were decided in the last 60 minutes and the limit is {most}"
            found.append(Brake(limit, subject, f"{said}. {_until(policy)}"))
        elif policy.brake_until_lifted and brake_key(limit, subject) in facts.tripped:
            said = (
                f"The limit of {most} containments{whose} in 60 minutes was reached, and nobody has lifted the brake."
            )
            found.append(Brake(limit, subject, said))

    group, playbook = facts.device_group or "unknown", facts.playbook
    limit(Limit.HOUR, "", facts.decided_last_hour, policy.max_per_hour, "")
    if playbook is not None:
        most = policy.max_per_hour_and_playbook
        limit(Limit.PLAYBOOK, playbook, facts.decided_for_playbook, most, f" of the playbook {playbook}")
    limit(Limit.GROUP, group, facts.decided_in_group, policy.max_per_hour_and_group, f" in the device group {group}")
    if policy.max_share_of_fleet is not None and facts.fleet is not None:
        share = f"{policy.max_share_of_fleet:.1%} of the fleet is the limit"
        if facts.held_now + 1 > int(policy.max_share_of_fleet * facts.fleet):
            said = f"{facts.held_now} of {facts.fleet} hosts are cut off, or about to be, and {share}"
            found.append(Brake(Limit.FLEET, "", f"{said}. {_until(policy)}"))
        elif policy.brake_until_lifted and brake_key(Limit.FLEET, "") in facts.tripped:
            found.append(Brake(Limit.FLEET, "", f"It was reached that {share}, and nobody has lifted the brake."))
    return tuple(found)


def _until(policy: Policy) -> str:
    if policy.brake_until_lifted:
        return "Nothing more is contained until a person lifts the brake. Releases go on."
    return "Nothing more is contained until there are fewer, or a person lifts the brake. Releases go on."


def guarded(policy: Policy, facts: Facts) -> list[tuple[Guard, str]]:
    """Name the guards that speak, each with what policy wants then; what cannot be known asks at least."""
    found: list[tuple[Guard, str]] = []

    def guard(wanted: Guard, holds: bool | None, yes: str, unknown: str) -> None:
        if holds:
            found.append((wanted, yes))
        elif holds is None and wanted is not Guard.ALLOW:
            found.append((Guard.ASK, unknown))

    guard(
        policy.servers,
        is_server(facts.os_platform),
        f"The device runs a server's operating system ({facts.os_platform}).",
        "The operating system of the device is not known, so it may be a server.",
    )
    guard(policy.high_value, facts.device_value == "High", "Defender has the device's value as High.", "")
    guard(
        policy.domain_admins,
        facts.domain_admin,
        "A domain administrator is logged on to the device.",
        "Whether a domain administrator is logged on is not known.",
    )
    vpn = next((tag for tag in facts.tags or () if _matches(tag, policy.vpn_tags)), None)
    guard(
        policy.vpn, vpn is not None, f"The device reaches Defender by VPN only (tag {vpn!r}) and may be lost to it.", ""
    )
    guard(
        policy.unseen,
        None if facts.unseen_seconds is None else facts.unseen_seconds > policy.unseen_for.seconds,
        f"Defender has not heard of the device for more than {policy.unseen_for}.",
        "When Defender last heard of the device is not known.",
    )
    if policy.max_share_of_fleet is not None and facts.fleet is None and not facts.lifted:
        found.append((Guard.ASK, "How many hosts there are is not known, so neither is the part that is cut off."))
    return found


def _plain(text: str) -> str:
    """Return a text so that what reads the same compares the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).strip()


def _matches(value: str, patterns: tuple[str, ...]) -> str | None:
    plain = _plain(value)
    for pattern in patterns:
        # Only the star is special: a tag such as [Prod] must protect, not be read as a set of letters.
        expression = ".*".join(re.escape(part) for part in _plain(pattern).split("*"))
        if re.fullmatch(expression, plain, re.DOTALL):
            return pattern
    return None
