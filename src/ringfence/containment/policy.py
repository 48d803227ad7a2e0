"""Whether a host may be contained: a request and its facts in, a verdict with reasons out. Pure.

Tags, name and onboarding count against containing where they are not known: a protected host must never pass as an
unprotected one, so the answer is no, and says why.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ringfence.errors import Invalid


class Policy(BaseModel):
    """What an organization allows. Names and tags are compared without regard to case; `*` stands for any text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    protected_tags: tuple[str, ...] = Field(
        ("Domain Controller", "Hypervisor", "Backup", "DNS", "Ringfence-Protected"),
        description="A host with one of these tags is never contained.",
    )
    protected_names: tuple[str, ...] = Field(
        (), description="A host whose DNS name, or its first label, is one of these is never contained."
    )
    max_per_hour: int = Field(
        10, ge=0, description="Containments that may be decided in any 60 minutes; 0 allows none."
    )

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a stored or edited document; raise Invalid with each problem."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            problems = tuple(
                f"{'.'.join(map(str, each['loc'])) or 'policy'}: {each['msg']}"
                for each in error.errors(include_url=False, include_input=False)
            )
            raise Invalid(
                "The policy cannot be read.", advice="Correct the fields named.", problems=problems
            ) from error


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a host and the moment when the verdict is given. None means not known."""

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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed or not, each reason as a sentence, and the facts it rests on."""

    allowed: bool
    reasons: tuple[str, ...]
    facts: dict[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as stored with the containment."""
        return {"allowed": self.allowed, "reasons": list(self.reasons), "facts": self.facts}


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


def decide(policy: Policy, facts: Facts) -> Verdict:
    """Give the verdict; every reason against is named, not just the first."""
    against: list[str] = []
    if facts.merged_into:
        against.append(f"Defender has merged this record into {facts.merged_into}; contain that one.")
    if facts.excluded:
        against.append("Defender lists this device as excluded.")
    if facts.onboarding_status != "Onboarded":
        against.append(
            f"The device is not onboarded to Defender (its status is {facts.onboarding_status or 'unknown'}), "
            "so it cannot be isolated."
        )
    if facts.tags is None:
        against.append("The tags of the device are not known, so it may be protected.")
    for tag in facts.tags or ():
        if pattern := _matches(tag, policy.protected_tags):
            against.append(f"The device is protected by its tag {tag!r} (policy: {pattern}).")
    if facts.name is None:
        if policy.protected_names:
            against.append("The name of the device is not known, so it may be protected.")
    else:
        name = facts.name.rstrip(".")
        label = name.partition(".")[0]
        pattern = _matches(name, policy.protected_names) or _matches(label, policy.protected_names)
        if pattern:
            against.append(f"The device is protected by its name {facts.name} (policy: {pattern}).")
    if facts.decided_last_hour >= policy.max_per_hour:
        against.append(
            f"{facts.decided_last_hour} containments were decided in the last 60 minutes and the limit is "
            f"{policy.max_per_hour}; a person must look before more follow."
        )
    if against:
        return Verdict(False, tuple(against), asdict(facts))
    return Verdict(
        True,
        (
            "The device is onboarded and carries no protected tag or name.",
            f"{facts.decided_last_hour} of {policy.max_per_hour} containments of this hour are used.",
        ),
        asdict(facts),
    )
