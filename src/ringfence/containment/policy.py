"""What an organization allows to be contained, and whom it asks: the document that `verdict` judges by."""

import difflib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from ringfence.errors import Invalid
from ringfence.playbooks.durations import Duration


class Mode(StrEnum):
    """Which hosts may be contained at all."""

    NONE = "none"
    TAGGED = "tagged"
    ANY = "any"


class Guard(StrEnum):
    """What happens to a host of a kind."""

    ALLOW = "allow"
    ASK = "ask"
    REFUSE = "refuse"


class Silence(StrEnum):
    """What becomes of a question that nobody answers in time."""

    EXPIRE = "expire"
    ESCALATE = "escalate"


class Approvals(BaseModel):
    """Who is asked, and what counts as a yes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    always: bool = Field(False, description="Ask before every containment that a playbook wants.")
    people_too: bool = Field(False, description="Ask a second person also where a person wants the containment.")
    approvers: tuple[str, ...] = Field(
        (), description="Names of those who may answer; empty means everybody who may contain."
    )
    count: int = Field(1, ge=1, le=5, description="So many different people must say yes.")
    self_approval: bool = Field(False, description="Whether who asked for the containment may say yes to it.")
    expires_after: Duration = Field(
        Duration.parse("30 min"),
        description="An unanswered question is over after this time, and nothing is contained.",
    )
    on_silence: Silence = Field(Silence.EXPIRE, description="What becomes of a question that nobody answers in time.")
    escalate_to: tuple[str, ...] = Field((), description="Names of those who are asked, for as long again, on silence.")


class Responses(BaseModel):
    """What happens to the other response actions; a person who asks for one is not asked again, but for offboarding."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    restrict: Guard = Field(Guard.ASK, description="Restrictions to programs signed by Microsoft.")
    quarantine: Guard = Field(Guard.ASK, description="Files that are stopped and quarantined; this has no undo.")
    offboard: Literal[Guard.ASK, Guard.REFUSE] = Field(
        Guard.ASK,
        description="Hosts that are taken out of Defender; two people are always asked, and this has no undo.",
    )
    scan: Guard = Field(Guard.ALLOW, description="Antivirus scans.")
    package: Guard = Field(Guard.ALLOW, description="Investigation packages.")
    indicators: Guard = Field(Guard.ALLOW, description="Indicators that block, warn of or watch for a value.")
    allowing_indicators: Guard = Field(
        Guard.ASK, description="Indicators that let something pass which Defender might stop."
    )
    max_per_hour: int = Field(
        10, ge=0, description="Restrictions, quarantines and offboardings that may be decided in any 60 minutes."
    )
    max_per_hour_and_playbook: int | None = Field(
        None, ge=0, description="The same for each playbook; empty sets no limit."
    )
    max_light_per_hour: int = Field(100, ge=0, description="Scans and investigation packages, together.")
    max_indicators_per_hour: int = Field(500, ge=0, description="Values that get an indicator.")


class Policy(BaseModel):
    """What an organization allows. Names and tags are compared without regard to case; `*` stands for any text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    frozen: bool = Field(False, description="The kill switch: nothing new is contained; releases go on.")
    mode: Mode = Field(
        Mode.ANY, description="none: no host; tagged: hosts with a tag of contain_tags; any: all but the protected."
    )
    contain_tags: tuple[str, ...] = Field(
        ("Ringfence-Contain",), description="In the mode `tagged` a host needs one of these tags."
    )
    protected_tags: tuple[str, ...] = Field(
        ("Domain Controller", "Hypervisor", "Backup", "DNS", "Ringfence-Protected"),
        description="A host with one of these tags is never contained.",
    )
    protected_names: tuple[str, ...] = Field(
        (), description="A host whose DNS name, or its first label, is one of these is never contained."
    )
    protected_groups: tuple[str, ...] = Field(
        (), description="A host of one of these device groups is never contained."
    )
    servers: Guard = Field(
        Guard.ASK, description="Hosts with a server's operating system, or with one that is not known."
    )
    high_value: Guard = Field(Guard.ASK, description="Hosts whose device value in Defender is High.")
    domain_admins: Guard = Field(
        Guard.ALLOW,
        description="Hosts on which a domain administrator is logged on. Anything but allow costs a call for each host.",
    )
    vpn_tags: tuple[str, ...] = Field(
        (), description="Tags of hosts that reach Defender through a full-tunnel VPN only, and would be lost to it."
    )
    vpn: Guard = Field(Guard.ASK, description="Hosts with one of vpn_tags.")
    unseen: Guard = Field(Guard.ASK, description="Hosts that Defender has not heard of for the time in unseen_for.")
    unseen_for: Duration = Field(
        Duration.parse("7 d"), description="After this time without a sign of life a host is unseen."
    )
    longest_hold: Duration | None = Field(
        None,
        description="A host is released by itself after this time at the latest, and also where nobody set a timer. "
        "Empty sets no limit.",
    )
    incident_required: bool = Field(
        False, description="Only hosts of an alert that was promoted to an incident may be contained."
    )
    max_per_hour: int = Field(
        10, ge=0, description="Containments that may be decided in any 60 minutes; 0 allows none."
    )
    max_per_hour_and_playbook: int | None = Field(
        None, ge=0, description="The same for each playbook; empty sets no limit."
    )
    max_per_hour_and_group: int | None = Field(
        None, ge=0, description="The same for each device group; empty sets no limit."
    )
    max_share_of_fleet: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Part of the onboarded hosts that may be cut off at one time; 0.05 is 5 %. Empty sets no limit.",
    )
    brake_until_lifted: bool = Field(
        False,
        description="A limit that was reached holds until a person lifts the brake, even when the hour is over.",
    )
    approvals: Approvals = Approvals()
    responses: Responses = Responses()

    def hold_for(self, seconds: float | None) -> float | None:
        """Return after how many seconds a host goes free by itself, where that was asked for; None for never."""
        if self.longest_hold is None:
            return seconds
        return self.longest_hold.seconds if seconds is None else min(seconds, self.longest_hold.seconds)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Policy":
        """Read a stored or edited document; raise Invalid with each problem."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            found = error.errors(include_url=False)
            raise Invalid(
                "The policy cannot be read.",
                advice="Correct the fields named.",
                problems=tuple(_problem(each) for each in found),
            ) from error


_ADVICE: Final = {
    "bool_parsing": "Write true or false.",
    "bool_type": "Write true or false.",
    "int_parsing": "Write a whole number.",
    "int_type": "Write a whole number.",
    "int_from_float": "Write a whole number.",
    "float_parsing": "Write a number.",
    "float_type": "Write a number.",
    "string_type": "Write a text.",
    "tuple_type": "Write a list.",
    "model_type": "Write fields and their values.",
    "model_attributes_type": "Write fields and their values.",
    "greater_than": "It must be more than {gt}.",
    "greater_than_equal": "It must be at least {ge}.",
    "less_than_equal": "It must be at most {le}.",
}


def _problem(detail: ErrorDetails) -> str:
    """Say what is wrong with which field, and what may stand there."""
    place = ".".join(map(str, detail["loc"])) or "policy"
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            return f"{place[:80]}: there is no such field.{_nearest(detail['loc'])}"
        case "enum" | "literal_error":
            return f"{place}: write {context['expected']}."
        case kind if kind in _ADVICE:
            return f"{place}: {_ADVICE[kind].format(**context)}"
    return f"{place}: {detail['msg']}"


def _nearest(location: tuple[int | str, ...]) -> str:
    parts: dict[tuple[int | str, ...], type[BaseModel]] = {("approvals",): Approvals, ("responses",): Responses}
    known = parts.get(location[:-1], Policy).model_fields
    near = difflib.get_close_matches(str(location[-1])[:80], known, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def about(field: str) -> str:
    """Return the sentence about a field of the policy, named as in `approvals.count`; empty for what is none."""
    model: Any = Policy
    sentence = ""
    for part in field.split("."):
        found = getattr(model, "model_fields", {}).get(part)
        if found is None:
            return ""
        model, sentence = found.annotation, found.description or ""
    return sentence
