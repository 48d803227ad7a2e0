"""What the examples of actions give, for the record of it: played in the simulated tenant, or with stand-ins for the rest."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa

from acting import NOON, Casebook, Crowd, Scene, Shelf, Wire
from containment_alerts import an_alert
from example_world import Player, a_player
from ringfence.actions import Action, Asked, Effect, HttpAnswer, Json, Result, TaskStanding
from ringfence.actions.catalogue import Catalogue
from ringfence.actions.shapes import ANY, Shape, shape_of
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.compiler import compile_playbook
from ringfence.playbooks.document import read
from ringfence.simulator.specs import DEFAULT_ROLES
from ringfence.storage import Database
from ringfence.storage.tables import alert_versions, alerts

AUTHORED: Final = ("jmespath.", "json.", "logic.set", "playbook.call")
"""Actions whose outputs are what the author of a step makes them."""

OPEN: Final[Mapping[str, tuple[str, ...]]] = {
    "http.request": ("body", "headers"),
    "logic.switch": ("value",),
    "task.ask": ("form",),
}
"""Fields of outputs that come from elsewhere and may be anything."""

_RUN: Final[dict[str, Json]] = {
    "trigger": {"alert": {"id": "da1", "title": "Ransomware", "computerDnsName": "wks-001"}, "incident": {"number": 1}},
    "steps": {},
    "run": {"id": "run1"},
    "playbook": {"name": "Example", "version": "1.0"},
    "inputs": {},
}
_KNOWN: Final[Mapping[str, dict[str, Json]]] = {
    "alert.get": {"alert": None},
    "incident.add_alert": {"incident": 1},
    "incident.get": {"incident": 1},
}

_BODY: Final = HttpAnswer(200, {"content-type": "application/json"}, b"{}", "https://reputation.contoso.com/v1/hosts")
_ENTRY: Final[dict[str, Json]] = {"value": "asmith", "note": "Chief", "data": {}, "expires_at": None}


def is_authored(action: Action) -> bool:
    """Tell whether the output is what the author of a step makes it."""
    return action.id.startswith(AUTHORED)


def known(action: Action) -> Mapping[str, Json]:
    """Return what an action is called with in the place of what its example names."""
    return _KNOWN.get(action.id, {})


def is_stood_in(action: Action) -> bool:
    """Tell whether an example is played where people, mails and services outside are stood in for."""
    return (
        action.connector.id in ("http", "mail", "notify", "table", "task", "webhook") or action.id == "logic.approval"
    )


def output_shape(action: Action, output: Json) -> Shape:
    """Return the shape of an output, with what may be anything as such."""
    shape = shape_of(output)
    return shape | dict.fromkeys(OPEN.get(action.id, ()), ANY) if isinstance(shape, dict) else shape


async def stood_in(action: Action, catalogue: Catalogue) -> Result:
    """Carry out the example of an action that reaches people, tables, mails or services outside."""
    scene = Scene(
        _RUN,
        people=Crowd(Asked("a1", "approved", "", NOON, ({"by": "mara", "yes": True, "reason": "", "at": ""},))),
        incidents=Casebook(stands=TaskStanding(12, 1, "done", "incident:1", NOON, {"reached": True}, "mara", "now")),
        tables=Shelf({"asmith": _ENTRY}),
        http=Wire(_BODY),
        time=NOON + timedelta(hours=1),
    )
    inputs = _inputs(action, catalogue, _RUN)
    if action.id == "table.lookup":
        inputs["value"] = "asmith"
    answer = await action.call(scene, inputs)
    if not isinstance(answer, Result):
        scene.resumed = answer.state
        answer = await action.call(scene, inputs)
    assert isinstance(answer, Result), action.id
    return answer


def _inputs(action: Action, catalogue: Catalogue, document: Mapping[str, Json]) -> dict[str, Any]:
    playbook = read(example(action.example, trigger="{type: defender.alert, account: contoso}")).playbook
    assert playbook is not None
    (step,) = [each for each in compile_playbook(playbook, catalogue).steps if each.action == action.id]
    return dict(step.inputs(document))


@asynccontextmanager
async def a_player_with_an_incident(database: Database, catalogue: Catalogue) -> AsyncIterator[Player]:
    """Set a tenant up whose alert is known here and in incident 1, which the run is about."""
    async with a_player(database) as player:
        alert_id, name = an_alert(player.world)
        document = player.world.tenant.alerts[name].document
        named = {"machine_id": document["machineId"], "machine_name": document["computerDnsName"]}
        whole = sa.update(alert_versions).where(alert_versions.c.alert_id == alert_id).values(raw=json.dumps(document))
        database.run_now(lambda tx: tx.execute(whole))
        database.run_now(lambda tx: tx.execute(sa.update(alerts).where(alerts.c.id == alert_id).values(named)))
        player.run = replace(player.run, alert_id=alert_id)
        promote = catalogue.find("incident.promote")
        assert promote is not None
        await player.play(promote, catalogue, DEFAULT_ROLES)
        yield player


async def shapes(database: Database, catalogue: Catalogue) -> dict[str, Shape]:
    """Carry out the example of every action, and return the shapes of what they give."""
    found: dict[str, Shape] = {}
    for action in catalogue.actions():
        if is_authored(action):
            continue
        if is_stood_in(action):
            answer = await stood_in(action, catalogue)
        else:
            about = action.connector.id in ("alert", "incident") and action.effect is not Effect.PURE
            made = a_player_with_an_incident(database, catalogue) if about else a_player(database)
            async with made as player:
                answer = await player.play(action, catalogue, DEFAULT_ROLES, known(action))
        found[action.id] = output_shape(action, answer.output)
    return found
