"""Whatever an alert says reaches every action as text: it is passed on or refused, and never evaluated, never a crash.

Each text stands in every parameter that takes it, and in everything that the other side answers.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import pytest

from acting import Casebook, Desk, Scene, Wire
from hostile import CORPUS, HUGE
from ringfence.actions import Action, ActionError, HttpAnswer, Json, Listing, Result, Wait
from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.model import ParameterKind

CATALOGUE = discover()
IN_RUNS_ONLY = {"playbook.call"}
ACTIONS = [action for action in CATALOGUE.actions() if action.id not in IN_RUNS_ONLY]
DEEP: Json = None
for _ in range(2_000):
    DEEP = [DEEP]


class Echo(Desk):
    """Answers every question with a text in every field."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text

    def _answer(self, operation: str, **given: Any) -> Json:
        self.asked.append((operation, given))
        return {"id": "1", "status": "Succeeded", **dict.fromkeys(("title", "comment", "value", "results"), self.text)}

    async def list(self, operation: str, /, *, limit: int, **given: Any) -> Listing:
        return Listing([self._answer(operation, **given)], cut=False)

    async def download(self, operation: str, /, **arguments: object) -> AsyncIterator[bytes]:
        self._answer(operation, **arguments)
        yield self.text.encode("utf-8", "surrogatepass")


def scene(text: str) -> Scene:
    alert: dict[str, Json] = {"id": "da1", "title": text, "machineId": text, "evidence": [{"fileName": text}]}
    raw: dict[str, Json] = {"alert": alert, "secret": "evaluated", "msft.defender.response.json.raw": alert}
    answered = HttpAnswer(200, {"x": "y"}, text.encode("utf-8", "surrogatepass"), "https://api.contoso.com/")
    casebook = Casebook(now={"number": 12, "created": True, "title": text})
    return Scene(run={"trigger": raw, "steps": {}}, defender=Echo(text), incidents=casebook, http=Wire(answered))


def values(action: Action) -> dict[str, Json]:
    """Give the inputs of the action's example, as written."""
    playbook = read(example(action.example, trigger="{type: defender.alert, account: contoso}")).playbook
    assert playbook is not None
    return dict(next(step.with_ for step in playbook.steps.values() if step.action == action.id))


def poisoned(action: Action, value: Json) -> Iterator[dict[str, Json]]:
    """Yield inputs in which a value stands wherever it may: in all parameters together, and in each alone."""
    usual = values(action)
    fitting = [
        name
        for name, parameter in action.parameters.items()
        if parameter.kind is not ParameterKind.VALUE or parameter.fault(value) is None
    ]
    yield {**usual, **dict.fromkeys(fitting, value)}
    for name in fitting:
        yield {**usual, name: value}


async def survives(action: Action, inputs: dict[str, Json], text: str) -> Scene:
    seen = scene(text)
    try:
        answer = await action.call(seen, inputs)
    except ActionError:
        return seen
    assert isinstance(answer, Result | Wait)
    if isinstance(answer, Result):
        json.dumps(answer.output)
    return seen


def told(seen: Scene) -> str:
    """Give all that went to the other sides, and what was logged."""
    ports: Sequence[Any] = (seen.defender, seen.containment, seen.people, seen.incidents, seen.tables, seen.http)
    everything = [each.asked for each in ports] + [seen.defender.responses.asked, seen.mails.sent, seen.said]
    return repr(everything)


@pytest.mark.parametrize("attack", list(CORPUS))
async def test_a_hostile_text_passes_through_every_action_as_text(attack: str) -> None:
    text = CORPUS[attack]
    for action in ACTIONS:
        for inputs in poisoned(action, text):
            seen = await survives(action, inputs, text)
            expressions = {name for name, each in action.parameters.items() if each.kind is not ParameterKind.VALUE}
            if not expressions & {name for name, value in inputs.items() if value == text}:
                assert "evaluated" not in told(seen), action.id


async def test_four_mebibytes_in_a_field_are_passed_on_or_refused() -> None:
    for action in ACTIONS:
        for inputs in list(poisoned(action, HUGE))[:1]:
            await survives(action, inputs, HUGE)


async def test_json_that_is_nested_beyond_all_measure_is_refused() -> None:
    for action in ACTIONS:
        for name in action.parameters:
            await survives(action, {**values(action), name: DEEP}, "x")
