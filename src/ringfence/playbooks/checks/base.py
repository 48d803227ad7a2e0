"""What a check is, and what it looks at."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from ringfence.playbooks.calls import reached
from ringfence.playbooks.document import Document, Path
from ringfence.playbooks.graph import predecessors
from ringfence.playbooks.installation import Installation
from ringfence.playbooks.model import ActionInfo, Catalogue, Json, ParameterKind, Playbook
from ringfence.playbooks.problems import Problem, Severity


@dataclass(frozen=True)
class Subject:
    """One playbook under examination, with its text, the actions that exist and, where it is known, the installation."""

    document: Document
    playbook: Playbook
    catalogue: Catalogue
    installation: Installation | None = None

    @cached_property
    def before(self) -> dict[str, tuple[str, ...]]:
        """Give the steps that lead to each step."""
        return predecessors(self.playbook)

    @cached_property
    def actions(self) -> dict[str, ActionInfo]:
        """Give the action of each step, where it exists."""
        found = {name: self.catalogue.find(step.action) for name, step in self.playbook.steps.items()}
        return {name: action for name, action in found.items() if action is not None}

    @cached_property
    def reached(self) -> tuple[tuple[str, ActionInfo], ...]:
        """Give each step with each action that it carries out, also in the components that it calls."""
        components = self.installation.components if self.installation is not None else {}
        return tuple(reached(self.playbook, components, self.catalogue))

    def kind(self, step: str, parameter: str) -> ParameterKind:
        """Tell how a parameter's text is treated; as a plain value where the action or parameter is unknown."""
        action = self.actions.get(step)
        info = action.parameters.get(parameter) if action else None
        return info.kind if info else ParameterKind.VALUE


class Check(ABC):
    """Finds one kind of problem; the docstring says what it is, `example` is a playbook that has it.

    A check that needs to know the installation finds nothing where it is not known; its example has it in `installation`.
    """

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.ERROR
    example: ClassVar[str]
    installation: ClassVar[Installation | None] = None

    @abstractmethod
    def find(self, subject: Subject) -> Iterator[Problem]:
        """Give every problem of this kind."""

    def problem(
        self,
        subject: Subject,
        message: str,
        path: Path,
        *,
        advice: str = "",
        of_key: bool = False,
        offset: int = 0,
    ) -> Problem:
        """Make a problem of this kind about what stands at a path."""
        return subject.document.problem(
            self.code, self.severity, message, advice=advice, path=path, of_key=of_key, offset=offset
        )


def texts(value: Json, path: Path) -> Iterator[tuple[Path, str]]:
    """Give every text inside a value with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts(item, (*path, key))


def example(steps: str = "", *, name: str = "Example", trigger: str = "{type: manual}", extra: str = "") -> str:
    """Write a small playbook around some steps, for the examples of checks."""
    lines = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
    body = f"steps:\n{lines}" if lines else "steps: {}\n"
    return f"ringfence: 1\nname: {name!r}\n{extra}trigger: {trigger}\n{body}"
