"""Pinned results of steps (`mock`) and tests written into a playbook (`tests`), as types. Pure.

Both count in rehearsals only: a run never looks at them.
"""

from collections.abc import Hashable, Iterator
from difflib import get_close_matches
from functools import cache
from typing import Annotated, Any, Final, Literal, TypeAlias, TypeVar, cast

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from ringfence.playbooks import keys
from ringfence.playbooks.model import Json, Playbook, Step
from ringfence.playbooks.triggers import Listed

MOST_CASES: Final = 200
_MOST_TIMES: Final = 20
Path: TypeAlias = tuple[str | int, ...]
T = TypeVar("T")


Steps: TypeAlias = Annotated[tuple[str, ...], Listed()]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Mock(_Model):
    """How a step ends in a rehearsal, without being carried out: with an outcome and an output, or with an error.

    An error is permanent unless it has a `code` (as `retry: errors` names it), comes only so many `times`, or is said not to
    be; after so many times the step ends with `outcome` and `output`.
    """

    outcome: str | None = None
    output: JsonValue = None
    error: Annotated[str, StringConstraints(min_length=1)] | None = None
    code: Annotated[str, StringConstraints(min_length=1, max_length=200)] | None = Field(
        None, description="The error's code, as `retry: errors` names it: timeout, Throttled …"
    )
    permanent: bool | None = Field(None, description="Whether trying again cannot help, so that `retry` does not.")
    times: int | None = Field(
        None, ge=1, le=_MOST_TIMES, description="How many attempts fail with the error; the next one succeeds."
    )

    @model_validator(mode="after")
    def _one_end(self) -> "Mock":
        given = self.model_fields_set
        if not given:
            raise ValueError("Say how the step ends: `output`, `outcome` or `error`.")
        if self.error is None and given & {"code", "permanent", "times"}:
            raise ValueError("`code`, `permanent` and `times` are about an `error`: say which.")
        if self.error is not None and self.times is None and given & {"outcome", "output"}:
            raise ValueError(
                "A step ends with an `error`, or with an `outcome` and an `output`, unless `times` is said."
            )
        if self.times is not None and self.permanent:
            raise ValueError("A permanent error is never tried again, so `times` cannot be said of it.")
        return self

    @property
    def is_permanent(self) -> bool:
        """Whether trying again after the error cannot help."""
        return self.permanent if self.permanent is not None else not (self.code or self.times)

    def fails(self, attempt: int) -> bool:
        """Say whether the attempt of this number, from 1, ends with the error."""
        return self.error is not None and (self.times is None or attempt <= self.times)


class Expectation(_Model):
    """What a test demands; what is left out may be as it likes.

    `ran` and `skipped` name steps; `ran: step.outcome` demands the outcome too, in the words of `after`. With `only`, no
    other step may have run. `attempts` are how often steps were tried in all. `inputs` are compared field by field,
    `outputs` as wholes. `starts` asks the trigger.
    """

    status: Literal["succeeded", "partly_failed", "failed", "cancelled"] | None = None
    starts: bool | None = None
    ran: Steps = ()
    skipped: Steps = ()
    only: bool = False
    attempts: dict[str, int] = Field(default_factory=dict)
    inputs: dict[str, dict[str, JsonValue]] = Field(default_factory=dict)
    outputs: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something(self) -> "Expectation":
        if not self.model_fields_set - {"only"}:
            raise ValueError("A test that expects nothing proves nothing. Add `status`, `ran`, `skipped` or `inputs`.")
        return self


class Case(_Model):
    """One test of a playbook: what starts it, how steps that reach outside end, and what is expected of the rest.

    `now` is the moment at which it runs; waits pass at once.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    trigger: dict[str, JsonValue] = Field(default_factory=dict)
    now: AwareDatetime | None = None
    mocks: dict[str, Mock] = Field(default_factory=dict)
    expect: Expectation


class Unfit(Exception):
    """A `mock` or `tests` is not written as it should be; `faults` say where, below it, and why."""

    def __init__(self, faults: tuple[tuple[Path, str], ...]) -> None:
        super().__init__("; ".join(said for _, said in faults))
        self.faults = faults


def mock_of(step: Step) -> Mock | None:
    """Return the pinned result of a step; Unfit if it cannot be read."""
    return None if step.mock is None else _read(Mock, step.mock)


def cases_of(playbook: Playbook) -> tuple[Case, ...]:
    """Return the tests of a playbook; Unfit if they cannot be read."""
    return () if playbook.tests is None else _read(_Cases, playbook.tests)


_Cases: TypeAlias = Annotated[tuple[Case, ...], Field(max_length=MOST_CASES)]


_adapter: Final = cache(TypeAdapter)


def _read(kind: type[T], value: Json) -> T:
    try:
        found: T = _adapter(cast(Hashable, kind)).validate_python(value)
        return found
    except ValidationError as error:
        raise Unfit(tuple(_faults(error, kind))) from None


def _faults(error: ValidationError, kind: Any) -> Iterator[tuple[Path, str]]:
    for detail in error.errors(include_url=False):
        name = str(detail["loc"][-1])[:60] if detail["loc"] else ""
        match detail["type"]:
            case "extra_forbidden":
                known = keys.known(kind, detail["loc"][:-1])
                near = get_close_matches(name, known, 1)
                advice = f"Did you mean {near[0]!r}?" if near else f"What may stand here: {', '.join(known)}."
                said = f"The key {name!r} is not known here. {advice}"
            case "missing":
                said = f"The key {name!r} is missing."
            case "value_error":
                said = str(detail["ctx"]["error"])
            case _:
                said = f"{detail['msg']}."
        yield tuple(detail["loc"]), said
