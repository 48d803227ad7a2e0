"""Whether a response may be made: a policy and the facts in, a verdict with reasons out. Pure.

The guards and the protection are those of containment; what harms no host is spared them.
"""

from typing import Any

from ringfence.containment.policy import Guard, Policy
from ringfence.containment.verdict import Facts, Outcome, Verdict, guarded, protection, unfit
from ringfence.responses.kinds import TRAITS, Kind


def judge(
    policy: Policy,
    kind: Kind,
    host: Facts | None,
    *,
    by_person: bool,
    used: int,
    weight: int = 1,
    allowing: bool = False,
) -> Verdict:
    """Give the verdict, with every reason against, or for asking.

    `host` is None where none is meant; `used` counts what was decided of the same limit in the last 60 minutes; `allowing`:
    an indicator among them lets something pass.
    """
    traits = TRAITS[kind]
    rules = policy.responses
    most: int = getattr(rules, traits.limit)
    facts: dict[str, Any] = {"kind": kind.value, "by_person": by_person, "decided_last_hour": used, "limit": most}
    against: list[str] = []
    doubts: list[str] = []
    if policy.frozen:
        against.append("The kill switch is on: nothing new is done until it is taken off. Undoing goes on.")
    guards = [getattr(rules, traits.guard), *([rules.allowing_indicators] if allowing else [])]
    if Guard.REFUSE in guards:
        against.append(f"Policy refuses {traits.noun} (responses.{traits.guard}).")
    elif Guard.ASK in guards:
        doubts.append(f"Policy asks before {traits.noun}.")
    if used + weight > most:
        against.append(
            f"{used} of the {most} that policy allows in 60 minutes are used (responses.{traits.limit}); "
            "a person must look before more follow."
        )
    if host is not None:
        facts = {name: getattr(host, name) for name in _OF_THE_HOST} | facts
        against += unfit(host)
        if traits.harms:
            against += protection(policy, host)
            for guard, sentence in guarded(_beside_the_network(policy), host):
                if guard is Guard.REFUSE:
                    against.append(f"{sentence} Policy refuses such hosts.")
                elif guard is Guard.ASK:
                    doubts.append(sentence)
    if against:
        return Verdict(Outcome.DENIED, tuple(against), facts)
    if traits.people:
        asked = [*doubts, f"{traits.people} different people must say yes to {traits.noun}, and not who asked for it."]
        return Verdict(Outcome.ASK, tuple(asked), facts)
    if by_person and not policy.approvals.people_too:
        waived = tuple(f"{each} The person who asked knows best." for each in doubts)
        return Verdict(Outcome.ALLOWED, (*waived, _used(used, most)), facts)
    if by_person:
        doubts.append("Policy asks for a second person.")
    if doubts:
        return Verdict(Outcome.ASK, tuple(doubts), facts)
    return Verdict(Outcome.ALLOWED, (f"Policy lets {traits.noun} pass.", _used(used, most)), facts)


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
)


def _used(used: int, most: int) -> str:
    return f"{used} of {most} of this hour are used."


def _beside_the_network(policy: Policy) -> Policy:
    """Leave out the guards against losing a host from the network: nothing here cuts it off."""
    return policy.model_copy(update={"vpn_tags": (), "max_share_of_fleet": None})
