"""Whether this version carries out everything that the playbook says."""

from collections.abc import Iterator
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.document import Path
from ringfence.playbooks.problems import Problem

_PLAYBOOK: Final[tuple[str, ...]] = ()
_STEP: Final[tuple[str, ...]] = ()
_ADVICE: Final = "Remove it; it is refused because it would otherwise be silently ignored."


class NotSupported(Check):
    """The playbook uses a part of the language that this version does not carry out."""

    code = "not-supported"
    example = example("one: {action: logic.set, with: {values: {}}}", extra="kind: workflow\n")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for path, what in self._used(subject):
            message = f"{what} is not supported yet by this version."
            yield self.problem(subject, message, path, advice=_ADVICE, of_key=path[-1] != "kind")

    def _used(self, subject: Subject) -> Iterator[tuple[Path, str]]:
        playbook = subject.playbook
        if playbook.kind == "workflow":
            yield ("kind",), f"A document of kind {playbook.kind}"
        for field in _PLAYBOOK:
            if field in playbook.model_fields_set:
                yield (field,), f"`{field}`"
        for name, step in playbook.steps.items():
            for field in _STEP:
                if field in step.model_fields_set:
                    yield ("steps", name, field), f"`{field}`"
