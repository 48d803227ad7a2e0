"""Whether expressions look at what earlier steps give."""

from collections.abc import Iterator

from ringfence.playbooks import absent
from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.checks.expressions import over_run_document
from ringfence.playbooks.model import Json
from ringfence.playbooks.problems import Problem, Severity


class UnknownOutput(Check):
    """An expression looks for a field that the action of an earlier step does not give, and would find null.

    Of what Microsoft answers with, any field may be there; only what our own actions give is known in full.
    """

    code = "unknown-output"
    severity = Severity.WARNING
    example = example(
        "make: {action: incident.create, with: {title: x}}\n"
        "say: {after: make, action: incident.note, with: {text: '${steps.make.name}'}}"
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        given: dict[str, Json] = {"steps": {name: self._given(subject, name) for name in subject.playbook.steps}}
        for found in over_run_document(subject):
            for message in absent.in_expression(found.expression, given):
                advice = "Where nothing is meant to be there at times, say what counts then: `… || 'nothing'`."
                yield self.problem(subject, message, found.path, advice=advice, offset=found.offset)

    def _given(self, subject: Subject, name: str) -> Json:
        action = subject.actions.get(name)
        if action is None or action.permissions or action.gives is None:
            return None
        if subject.playbook.steps[name].for_each is not None:
            return {"count": None, "results": None, "failed": None}
        return _closed(action.gives)


def _closed(shape: Json) -> Json:
    """Keep what has names: of anything else, what is in it is not known."""
    return {name: _closed(each) for name, each in shape.items()} if isinstance(shape, dict) and shape else None
