"""Incidents of Defender XDR against the simulator."""

from collections.abc import AsyncIterator

import pytest

from containment_world import World, a_world
from hands import Hands
from ringfence.actions import ActionError, Json, Result
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import Database


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        spec = AlertSpec.model_validate({"machine": "wks-001", "title": "Ransomware", "severity": "High"})
        portal.raise_alert(made.tenant, spec, made.simulator.clock.now())
        yield made


async def call(world: World, action: str, inputs: dict[str, Json]) -> dict[str, Json]:
    hands = Hands(world)
    answer = await hands.call(f"xdr.{action}", inputs)
    assert isinstance(answer, Result)
    return hands.output(answer)


async def an_incident(world: World) -> Json:
    found = (await call(world, "list_incidents", {"status": "Active", "within": "1 d"}))["items"]
    assert isinstance(found, list)
    assert isinstance(found[0], dict)
    return found[0]["incidentId"]


async def test_an_incident_is_read_with_its_alerts(world: World) -> None:
    incident = await an_incident(world)
    seen = await call(world, "get_incident", {"incident": incident})
    assert isinstance(seen["alerts"], list)
    assert isinstance(seen["alerts"][0], dict)
    assert seen["alerts"][0]["title"] == "Ransomware"
    assert (await call(world, "list_incidents", {"assigned_to": "nobody@contoso.com"}))["items"] == []


async def test_an_incident_is_changed_and_commented_on_once_also_where_the_reply_is_lost(world: World) -> None:
    incident = await an_incident(world)
    world.fault("drop_reply_after_effect", "update_incident_xdr", times=1)
    changes: dict[str, Json] = {"incident": incident, "status": "InProgress", "comment": "Contained", "tags": ["a"]}
    for _ in range(2):
        await call(world, "update_incident", changes)
    seen = await call(world, "get_incident", {"incident": incident})
    assert (seen["status"], seen["tags"]) == ("InProgress", ["a"])
    assert isinstance(seen["comments"], list)
    assert len(seen["comments"]) == 1


async def test_a_change_of_nothing_is_refused(world: World) -> None:
    with pytest.raises(ActionError, match="nothing to change"):
        await call(world, "update_incident", {"incident": 1, "comment": ""})
