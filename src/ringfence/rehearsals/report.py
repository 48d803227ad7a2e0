"""What a rehearsal says: the run as it would have been, step by step."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ringfence.actions import Json
from ringfence.playbooks import rounds


class How(StrEnum):
    """How a step came to its end in a rehearsal.

    computed: carried out, since it reaches nothing outside. read: carried out, since it only reads. mocked: it ended as it
    is pinned to. described: it was not carried out, and `said` tells what it would have done. skipped: it was not its turn.
    impossible: its inputs or its condition could not be worked out. played: carried out in the simulator.
    """

    COMPUTED = "computed"
    READ = "read"
    MOCKED = "mocked"
    DESCRIBED = "described"
    SKIPPED = "skipped"
    IMPOSSIBLE = "impossible"
    PLAYED = "played"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step: `status` is succeeded, failed or skipped; `said` are sentences for people, `verdict` policy's, if asked.

    `unsure` names the steps whose output it looks at although they were only described. `iteration` is the round, from 1, of
    the loop or call in which it is (see `playbooks.rounds`), else 0. `attempts` is how often it was tried.
    """

    step: str
    action: str
    effect: str
    how: How
    status: str
    outcome: str | None = None
    input: Json = None
    output: Json = None
    error: str = ""
    said: tuple[str, ...] = ()
    verdict: dict[str, Any] | None = None
    unsure: tuple[str, ...] = ()
    iteration: int = 0
    attempts: int = 1

    @property
    def round(self) -> str:
        """In which item of a loop, or try of a call, it is, for people; empty outside of these."""
        return rounds.said(self.iteration)

    @property
    def end(self) -> str:
        """How it ended in one word: its outcome, `error` or `skipped`."""
        if self.status == "succeeded":
            return self.outcome or "success"
        return "error" if self.status == "failed" else self.status


@dataclass(frozen=True, slots=True)
class Report:
    """A whole rehearsal: `status` as of a run (succeeded, partly_failed, failed, cancelled), `error` what nothing handled."""

    playbook: str
    status: str
    error: str
    steps: tuple[StepReport, ...]

    def every(self, name: str) -> list[StepReport]:
        """Find a step by its name; one in a loop was there once for each item."""
        return [each for each in self.steps if each.step == name]
