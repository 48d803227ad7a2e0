"""The playbook document as types, and what the language needs to know about actions.

The models are frozen and refuse unknown keys. They say what a document may look like; whether it makes sense is for
`checks`.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Final, Literal, Protocol, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator
from pydantic_core import PydanticCustomError

from ringfence.playbooks.durations import Duration
from ringfence.playbooks.interface import MOST_VALUES, Input, Output, ValueName
from ringfence.playbooks.masks import MOST as MOST_MASKS
from ringfence.playbooks.masks import Mask
from ringfence.playbooks.triggers import (
    ChangeTrigger,
    ErrorTrigger,
    Listed,
    MailboxTrigger,
    ManualTrigger,
    NoTrigger,
    ServiceTrigger,
    TimerTrigger,
    WebhookTrigger,
)

RAW_ALERT: Final = "msft.defender.response.json.raw"
"""The variable of the trigger that holds the alert exactly as Defender sent it."""

VARIABLES: Final = ("trigger", "steps", "playbook", "run", "organization", "inputs")
"""The names at the top of the run document, which expressions look into."""

SUCCESS: Final = "success"
ERROR: Final = "error"

MOST_MINUTES: Final = 10_000
NAME = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"

Json: TypeAlias = JsonValue

_LONGEST_WINDOW: Final = 7 * 86_400.0
_LONGEST_GATHERING: Final = 3_600.0


class Effect(StrEnum):
    """What an action may do to the world.

    pure: it only computes or waits. read: it asks, changing nothing. write: it changes a record, such as a comment on
    an alert. contain: it cuts a host off or lets it go, and therefore passes the policy and names its undo.
    """

    PURE = "pure"
    READ = "read"
    WRITE = "write"
    CONTAIN = "contain"


class ParameterKind(StrEnum):
    """How the text that an author writes for a parameter is treated.

    value: plain YAML in which `${…}` is looked up. run_expression: JMESPath over the run document, never rendered.
    data_expression: JMESPath over data that the action chooses, never rendered. Because expressions are never
    rendered, what an alert says cannot become one.
    """

    VALUE = "value"
    RUN_EXPRESSION = "run_expression"
    DATA_EXPRESSION = "data_expression"

    @property
    def is_expression(self) -> bool:
        """Tell whether the text is an expression itself."""
        return self is not ParameterKind.VALUE


class ParameterInfo(Protocol):
    """What checks and compiler ask of a parameter."""

    @property
    def name(self) -> str: ...
    @property
    def required(self) -> bool: ...
    @property
    def kind(self) -> ParameterKind: ...
    def fault(self, value: Json) -> str | None:
        """Say in one sentence what is wrong with a literal value, or None."""


class ActionInfo(Protocol):
    """What checks and compiler ask of an action."""

    @property
    def id(self) -> str: ...
    @property
    def effect(self) -> Effect: ...
    @property
    def outcomes(self) -> tuple[str, ...]:
        """The named ways to succeed; `error` always exists beside them and is not listed."""

    @property
    def branches(self) -> str:
        """The parameter whose names, in a step, are outcomes of it too; empty where there is none."""

    @property
    def permissions(self) -> tuple[str, ...]: ...
    @property
    def undo(self) -> str | None: ...
    @property
    def gives(self) -> Json:
        """The shape of its output: names with kinds, None where it depends on the step."""

    @property
    def parameters(self) -> Mapping[str, ParameterInfo]: ...


class Catalogue(Protocol):
    """The actions that exist."""

    def find(self, action_id: str) -> ActionInfo | None: ...
    def ids(self) -> tuple[str, ...]: ...


def _named(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            f"{value[:70]!r} cannot be a step's name. Use letters, digits and underscores, not starting with a digit, "
            "64 at most."
        )
    return value


def _poll_start(value: str) -> str:
    if not re.fullmatch(
        r"now|[0-9]{1,4} (minute|hour|day|week)s? ago|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z?)?", value
    ):
        raise ValueError(
            f"{value[:40]!r} is not a start. Write e.g. '30 days ago', '12 hours ago', 'now' or 2026-01-31."
        )
    return value


StepName: TypeAlias = Annotated[str, AfterValidator(_named)]
Names: TypeAlias = Annotated[tuple[str, ...], Listed()]
LogLevel: TypeAlias = Literal["error", "warn", "info", "debug", "trace"]
AlertStatus: TypeAlias = Literal["All", "Unknown", "New", "InProgress", "Resolved"]
AlertSeverity: TypeAlias = Literal["All", "UnSpecified", "Informational", "Low", "Medium", "High"]
AlertChange: TypeAlias = Literal[
    "created",
    "updated",
    "severity_raised",
    "severity_lowered",
    "reopened",
    "resolved",
    "reassigned",
    "classified",
    "remediated",
    "machine_added",
]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=False, validate_by_alias=True)


class DefenderAlertTrigger(_Model):
    """Start when an alert of a connected Defender account matches; an empty list, like All, matches everything.

    `service` names a trigger service, `account` a connected account; with neither, every account of the organization
    is listened to. `where` is JMESPath over the trigger's own document (`alert.title`, …) and must be true to start.
    With `run_per` machine or incident, one run is started for all alerts of one machine or incident within `window`, which
    begins with the first of them; the others join the run. `gather` is how long the run waits for others before it begins.
    """

    type: Literal["defender.alert"]
    name: str = ""
    service: str | None = None
    account: str | None = None
    status: Annotated[tuple[AlertStatus, ...], Listed()] = ()
    severity: Annotated[tuple[AlertSeverity, ...], Listed()] = ()
    category: Names = ()
    changes: Annotated[tuple[AlertChange, ...], Listed()] = ("created",)
    where: str | None = None
    run_per: Literal["alert", "machine", "incident"] = "alert"
    window: Duration = Duration(900.0, "15 min")
    gather: Duration | None = None
    max_historical_poll_start: Annotated[str, AfterValidator(_poll_start)] | None = None
    poll_interval: Duration | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "DefenderAlertTrigger":
        if self.service is not None and self.account is not None:
            raise ValueError("Give either `service` or `account`, not both: a service already belongs to an account.")
        return self

    @model_validator(mode="after")
    def _folding(self) -> "DefenderAlertTrigger":
        if self.run_per == "alert":
            if self.model_fields_set & {"window", "gather"}:
                raise ValueError("`window` and `gather` need `run_per: machine` or `run_per: incident`.")
            return self
        if not 1 <= self.window.seconds <= _LONGEST_WINDOW:
            raise ValueError(f"{self.window} cannot be a window. Take from 1 s to 7 d, e.g. 15 min.")
        if self.gather is not None and not self.gather.seconds <= min(self.window.seconds, _LONGEST_GATHERING):
            raise ValueError(f"{self.gather} is too long to gather: at most 1 h, and no longer than the window.")
        return self


AnyTrigger: TypeAlias = (
    DefenderAlertTrigger
    | WebhookTrigger
    | TimerTrigger
    | MailboxTrigger
    | ServiceTrigger
    | ChangeTrigger
    | ErrorTrigger
    | ManualTrigger
)


class Retry(_Model):
    """Try a failed step again; `backoff` is the first pause, and each further one is twice as long."""

    attempts: int = Field(3, description="How often the step is tried in all, 1 to 20.")
    backoff: Duration = Field(Duration(10.0, "10 s"), description="The first pause; each further one is twice as long.")
    max_backoff: Duration | None = Field(None, description="The longest pause.")
    jitter: float = Field(
        0.0, ge=0.0, le=1.0, description="The share of each pause that is left out by chance, 0 to 1."
    )
    errors: Names = Field((), description="Try again only after errors of these codes; none: after any that may pass.")


class Limits(_Model):
    """How many runs of the playbook may be under way at once, and what becomes of those too many."""

    concurrent: int | None = Field(None, ge=1, le=1_000, description="How many runs are under way at once, at most.")
    one_per_machine: bool = Field(False, description="At most one run for each machine at a time.")
    excess: Literal["wait", "drop"] = Field("wait", description="wait: they begin when there is room. drop: they end.")


class Step(_Model):
    """One action of a playbook, and when it is its turn."""

    action: str = Field(description="What the step does: the id of an action.")
    with_: dict[str, JsonValue] = Field(
        default_factory=dict, alias="with", description="The parameters of the action; ${JMESPath} is looked up."
    )
    after: Names = Field((), description="The steps that come before: `step` or `step.outcome`; none: at once.")
    join: Literal["all", "any"] = Field("all", description="Whether all of `after` must have come, or any one.")
    if_: str | None = Field(
        default=None, alias="if", description="JMESPath over the run document; where it does not hold, it is skipped."
    )
    retry: Retry | None = Field(None, description="Try again when the step failed.")
    timeout: Duration | None = Field(None, description="How long the step may take, all attempts and waits together.")
    on_error: str | None = Field(None, description="The step that goes on where this one failed.")
    note: str | None = Field(None, description="A remark for people.")
    for_each: JsonValue = Field(None, description="Do the step once for each item of a list.")
    parallel: int | None = Field(None, description="How many items of `for_each` are at work side by side.")
    mask: Annotated[tuple[Mask, ...], Listed()] = Field(
        (), max_length=MOST_MASKS, description="Fields that nobody is shown: `password`, `output.user.mail`, `input`."
    )
    mock: JsonValue = Field(None, description="A pinned output for test runs.")


Kind: TypeAlias = Literal["playbook", "component", "workflow"]

NO_TRIGGER: Final = NoTrigger(type="manual")


class Playbook(_Model):
    """A whole playbook document."""

    ringfence: Literal[1] = Field(description="The version of the language.")
    kind: Kind = Field(
        "playbook",
        description="playbook: something starts it. component: playbooks call it. workflow: it also asks people by tasks.",
    )
    name: str = Field(description="What people call it; unique in the organization.")
    description: str = Field("", description="What it is for.")
    log_level: LogLevel = Field("info", description="Which lines of its steps are kept.")
    trigger: Annotated[AnyTrigger, Field(discriminator="type")] = Field(NO_TRIGGER, description="What starts it.")
    steps: dict[StepName, Step] = Field(default_factory=dict, description="What it does, by name.")
    timeout: Duration | None = Field(None, description="How long a run may take in all.")
    limits: Limits | None = Field(None, description="How many runs may be under way at once.")
    minutes_saved: float | None = Field(
        None, gt=0, le=MOST_MINUTES, description="How many minutes of people's work a run that succeeds spares."
    )
    layout: dict[str, JsonValue] | None = Field(None, description="Positions, written by the designer.")
    inputs: dict[ValueName, Input] = Field(default_factory=dict, description="What a component is called with.")
    outputs: dict[ValueName, Output] = Field(default_factory=dict, description="What a component gives back.")
    tests: JsonValue = Field(None, description="Cases that `ringfence playbook test` runs.")

    @model_validator(mode="after")
    def _fits_its_kind(self) -> "Playbook":
        given = self.model_fields_set
        if self.kind != "component":
            if "trigger" not in given:
                raise PydanticCustomError("left_out", "", {"key": "trigger"})
            for key in ("inputs", "outputs"):
                if key in given:
                    raise PydanticCustomError("misplaced", _ONLY_COMPONENTS, {"key": key})
        elif "trigger" in given:
            raise PydanticCustomError("misplaced", _NO_TRIGGER, {"key": "trigger"})
        for key, many in (("inputs", len(self.inputs)), ("outputs", len(self.outputs))):
            if many > MOST_VALUES:
                raise PydanticCustomError("misplaced", f"There are more than {MOST_VALUES} of them.", {"key": key})
        return self


_ONLY_COMPONENTS: Final = (
    "Only a component has {key}; a person who starts a playbook is asked by `inputs` of its manual trigger."
)
_NO_TRIGGER: Final = "A component has no trigger; it starts where a step calls it."
