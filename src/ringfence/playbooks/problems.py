"""What can be wrong with a playbook, said with its place and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a problem matters to the author.

    error: the playbook cannot be published or run; it would not do what it says.
    warning: it can be published, but an experienced reviewer would ask about it before it touches a real host.
    note: nothing is wrong; there is a clearer or safer way to write it.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding; line and column count from 1, and are 1:1 where the whole document is meant."""

    code: str
    severity: Severity
    message: str
    advice: str = ""
    line: int = 1
    column: int = 1
    step: str | None = None
    field: str | None = None

    def render(self, path: str) -> str:
        """Write the problem on one line, the way compilers do, so that editors can jump to it."""
        said = f"{self.message} {self.advice}".strip()
        return f"{path}:{self.line}:{self.column} {self.severity} {self.code}: {said}"

    def to_json(self) -> dict[str, str | int | None]:
        """Give the problem as an object for the API and `--json`."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            "advice": self.advice,
            "line": self.line,
            "column": self.column,
            "step": self.step,
            "field": self.field,
        }

    @property
    def order(self) -> tuple[int, int, str, str]:
        """Sort by place, then by code, so that two checks of one text always read the same."""
        return (self.line, self.column, self.code, self.message)


def has_errors(problems: "list[Problem] | tuple[Problem, ...]") -> bool:
    """Tell whether any of the problems keeps the playbook from running."""
    return any(problem.severity is Severity.ERROR for problem in problems)
