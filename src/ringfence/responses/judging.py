"""Whether a response may be made: a policy and the facts in, a verdict with reasons out. Pure.

The guards and the protection are those of containment; what harms no host is spared them.
"""

from dataclasses import dataclass
from typing import Any, Final

from ringfence.containment.policy import Guard, Policy
from ringfence.containment.verdict import Brake, Facts, Limit, Outcome, Verdict, brake_key, guarded, protection, unfit
from ringfence.responses.kinds import TRAITS, Kind


@dataclass(frozen=True, slots=True)
class Tally:
    """What was decided under the same limit in the last 60 minutes, beside what is judged, and what a person said to it.

    `used` is all of it, `of_playbook` what the same playbook had decided. `tripped` are brakes that hold until a person lifts
    them, `lifted` says who lifted the limits until when.
    """

    used: int = 0
    playbook: str | None = None
    of_playbook: int = 0
    tripped: tuple[str, ...] = ()
    lifted: str = ""


NOTHING: Final = Tally()


def judge(
    policy: Policy,
    kind: Kind,
    host: Facts | None,
    *,
    by_person: bool,
    tally: Tally = NOTHING,
    weight: int = 1,
    allowing: bool = False,
) -> Verdict:
    """Give the verdict, with every reason against, or for asking.

    `host` is None where none is meant; its `handled` says what Defender has done about the alert already. `allowing`: an
    indicator among them lets something pass.
    """
    traits = TRAITS[kind]
    rules = policy.responses
    most: int = getattr(rules, traits.limit)
    facts: dict[str, Any] = {"kind": kind.value, "by_person": by_person, "decided_last_hour": tally.used, "limit": most}
    if host is not None:
        facts = {name: getattr(host, name) for name in _OF_THE_HOST} | facts
        if traits.harms and host.handled and not by_person:
            reasons = (host.handled, "A person can have it done all the same, by asking for it.")
            return Verdict(Outcome.NOT_NEEDED, reasons, facts)
    against: list[str] = []
    doubts: list[str] = []
    if policy.frozen:
        against.append("The kill switch is on: nothing new is done until it is taken off. Undoing goes on.")
    guards = [getattr(rules, traits.guard), *([rules.allowing_indicators] if allowing else [])]
    if Guard.REFUSE in guards:
        against.append(f"Policy refuses {traits.noun} (responses.{traits.guard}).")
    elif Guard.ASK in guards:
        doubts.append(f"Policy asks before {traits.noun}.")
    if weight > most > 0:
        against.append(f"These are {weight}, and policy allows {most} in 60 minutes (responses.{traits.limit}).")
    if host is not None:
        against += unfit(host)
        if traits.harms:
            against += protection(policy, host)
            for guard, sentence in guarded(_beside_the_network(policy), host):
                if guard is Guard.REFUSE:
                    against.append(f"{sentence} Policy refuses such hosts.")
                elif guard is Guard.ASK:
                    doubts.append(sentence)
    brakes = () if tally.lifted or weight > most > 0 else reached(policy, kind, tally, weight)
    if against or brakes:
        said = (*against, *(brake.sentence for brake in brakes))
        return Verdict(Outcome.DENIED, said, facts, () if against else brakes)
    used = tally.lifted or f"{tally.used} of {most} of this hour are used."
    if traits.people:
        asked = [*doubts, f"{traits.people} different people must say yes to {traits.noun}, and not who asked for it."]
        return Verdict(Outcome.ASK, tuple(asked), facts)
    if by_person and not policy.approvals.people_too:
        waived = tuple(f"{each} The person who asked knows best." for each in doubts)
        dealt = [f"It is done although it need not be: {host.handled}"] if host is not None and host.handled else []
        return Verdict(Outcome.ALLOWED, (*waived, used, *dealt), facts)
    if by_person:
        doubts.append("Policy asks for a second person.")
    if doubts:
        return Verdict(Outcome.ASK, tuple(doubts), facts)
    return Verdict(Outcome.ALLOWED, (f"Policy lets {traits.noun} pass.", used), facts)


def limits(policy: Policy, kind: Kind, playbook: str | None) -> list[tuple[Limit, str, int, str]]:
    """Return the limits that a response counts against: which, of whom, how many, and the line of policy."""
    rules, line = policy.responses, TRAITS[kind].limit
    found = [(LIMITS[line], "", int(getattr(rules, line)), line)]
    if line == "max_per_hour" and playbook is not None and rules.max_per_hour_and_playbook is not None:
        found.append((Limit.RESPONSES_OF_PLAYBOOK, playbook, rules.max_per_hour_and_playbook, _OF_PLAYBOOK))
    return found


def reached(policy: Policy, kind: Kind, tally: Tally, weight: int = 1) -> tuple[Brake, ...]:
    """Name the limits that one more would break, each with what opens it."""
    found: list[Brake] = []
    until = (
        "until a person lifts the brake" if policy.brake_until_lifted else "until there are fewer, or a person lifts it"
    )
    for limit, subject, most, line in limits(policy, kind, tally.playbook):
        used = tally.of_playbook if subject else tally.used
        whose = f" by the playbook {subject}" if subject else ""
        if used + weight > most:
            said = f"{used} of the {most} that policy allows in 60 minutes{whose} are used (responses.{line}). "
            found.append(Brake(limit, subject, f"{said}Nothing more of it is done {until}. Undoing goes on."))
        elif policy.brake_until_lifted and brake_key(limit, subject) in tally.tripped:
            said = f"The limit of {most} in 60 minutes{whose} was reached (responses.{line})"
            found.append(Brake(limit, subject, f"{said}, and nobody has lifted the brake."))
    return tuple(found)


LIMITS: Final = {
    "max_per_hour": Limit.RESPONSES,
    "max_light_per_hour": Limit.LIGHT_RESPONSES,
    "max_indicators_per_hour": Limit.INDICATORS,
}
_OF_PLAYBOOK: Final = "max_per_hour_and_playbook"


_OF_THE_HOST = (
    "machine_id",
    "name",
    "tags",
    "os_platform",
    "onboarding_status",
    "health_status",
    "last_seen",
    "excluded",
    "merged_into",
    "device_group",
    "device_value",
    "domain_admin",
    "unseen_seconds",
    "handled",
)


def _beside_the_network(policy: Policy) -> Policy:
    """Leave out the guards against losing a host from the network: nothing here cuts it off."""
    return policy.model_copy(update={"vpn_tags": (), "max_share_of_fleet": None})
