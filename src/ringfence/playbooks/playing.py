"""A playbook played once in the simulator: with what it is started, and what came of each step, as plain data. Pure.

It is played elsewhere (see `ringfence.proving`), in a process of its own: what goes there and what comes back are these.
"""

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from ringfence.playbooks.proof import Subject


class _Plain(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Playing(_Plain):
    """What is to be played: a text, and the trigger as the steps see it, an alert in it as Defender sends it."""

    subject: Subject
    document: dict[str, JsonValue] = Field(default_factory=dict)


class PlayedStep(_Plain):
    """One step as its row stands at the end; `iteration` is the number, from 1, of the item of a loop, else 0.

    `after` and `took` are in seconds of played time.
    """

    step: str
    iteration: int
    action: str
    status: str
    outcome: str | None = None
    input: JsonValue = None
    output: JsonValue = None
    error: str = ""
    after: float | None = None
    took: float | None = None


class Played(_Plain):
    """What came of it: the run's `status`, its steps in order, and what was not as in a real run.

    `lasted` is how many seconds of played time went by until the last host was let go. `fault` says why it could not be
    played at all.
    """

    status: str = ""
    error: str = ""
    steps: tuple[PlayedStep, ...] = ()
    notes: tuple[str, ...] = ()
    lasted: float = 0.0
    machine: str = ""
    fault: str = ""
