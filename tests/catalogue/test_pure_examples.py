"""Carry out the example of every action that reaches nothing outside, over an alert as a run would see it."""

import pytest

from acting import Scene
from ringfence.actions import Action, Effect, Json, Result, Wait, shapes
from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.document import read

CATALOGUE = discover()
IN_RUNS_ONLY = {"playbook.call"}
PURE = [each for each in CATALOGUE.actions() if each.effect is Effect.PURE and each.id not in IN_RUNS_ONLY]
ALERT: dict[str, Json] = {
    "id": "da1",
    "title": "Ransomware INC1234567",
    "description": '{"seen": "hxxps://beacon[.]fabrikam[.]com/x"}',
    "severity": "High",
    "category": "Ransomware",
    "machineId": "0" * 40,
    "computerDnsName": "WKS-001.contoso.com",
    "incidentId": 7,
    "alertCreationTime": "2026-01-31T11:00:00.1234567Z",
    "firstEventTime": "2026-01-31T10:00:00Z",
    "relatedUser": {"userName": "CONTOSO\\asmith"},
    "evidence": [],
}
RUN: dict[str, Json] = {
    "trigger": {"alert": ALERT, "alerts": [ALERT, ALERT]},
    "steps": {},
    "playbook": {"name": "Example", "version": "1.0"},
    "inputs": {},
}


@pytest.mark.parametrize("action", PURE, ids=[each.id for each in PURE])
async def test_the_example_of_an_action_that_only_computes_works(action: Action) -> None:
    playbook = read(example(action.example, trigger="{type: defender.alert, account: contoso}")).playbook
    assert playbook is not None
    plan = compile_playbook(playbook, CATALOGUE)
    (step,) = [each for each in plan.steps if each.action == action.id]
    answer = await action.call(Scene(RUN), step.inputs(RUN))
    assert isinstance(answer, Result | Wait)
    if isinstance(answer, Result) and action.gives is not None:
        assert shapes.names(shapes.shape_of(answer.output)) == shapes.names(action.gives), "tools/action-outputs"
