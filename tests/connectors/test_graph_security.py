"""Alerts and incidents of Graph against the simulator; comments are written once, whatever happens to their replies."""

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
        yield made


def an_alert(world: World, title: str = "Ransomware", severity: str = "High") -> str:
    spec = AlertSpec.model_validate({"machine": "wks-001", "title": title, "severity": severity})
    return portal.raise_alert(world.tenant, spec, world.simulator.clock.now())


async def items(world: World, action: str, inputs: dict[str, Json]) -> list[dict[str, Json]]:
    answer = await Hands(world).call(f"graph_security.{action}", inputs)
    assert isinstance(answer, Result)
    assert isinstance(answer.output, dict)
    found = answer.output["items"]
    assert isinstance(found, list)
    return [each for each in found if isinstance(each, dict)]


async def call(world: World, action: str, inputs: dict[str, Json], *, key: str = "run1:one:0") -> Json:
    hands = Hands(world)
    hands.scene.step_key = key
    answer = await hands.call(f"graph_security.{action}", inputs)
    assert isinstance(answer, Result)
    return answer.output


async def first(world: World, action: str) -> dict[str, Json]:
    (found,) = await items(world, action, {"limit": 1})
    return found


async def test_alerts_are_listed_by_what_people_know_of_them(world: World) -> None:
    an_alert(world, "Ransomware")
    an_alert(world, "Odd logon", "Low")
    high = await items(world, "list_alerts", {"severity": ["high", "medium"], "within": "1 h", "status": "new"})
    assert [each["title"] for each in high] == ["Ransomware"]
    assert await items(world, "list_alerts", {"filter": "determination eq 'malware'", "assigned_to": "x"}) == []
    answer = await call(world, "list_alerts", {"limit": 1})
    assert isinstance(answer, dict)
    assert answer["more"] is True


async def test_an_alert_is_read_changed_and_commented_on_once(world: World) -> None:
    an_alert(world)
    alert = (await first(world, "list_alerts"))["id"]
    changes: dict[str, Json] = {"alert": alert, "status": "resolved", "classification": "truePositive"}
    await call(world, "update_alert", {**changes, "determination": "malware"})
    for _ in range(2):
        comments = await call(world, "comment_on_alert", {"alert": alert, "comment": "Contained"})
        assert isinstance(comments, list)
        assert len(comments) == 1
    await call(world, "comment_on_alert", {"alert": alert, "comment": "Contained"}, key="run2:one:0")
    seen = await call(world, "get_alert", {"alert": alert})
    assert isinstance(seen, dict)
    assert (seen["status"], seen["classification"]) == ("resolved", "truePositive")
    assert isinstance(seen["comments"], list)
    assert len(seen["comments"]) == 2


async def test_a_comment_whose_reply_is_lost_is_written_once(world: World) -> None:
    an_alert(world)
    alert, incident = (await first(world, "list_alerts"))["id"], (await first(world, "list_incidents"))["id"]
    world.fault("drop_reply_after_effect", "graph_create_alert_comment", times=1)
    world.fault("drop_reply_after_effect", "graph_create_incident_comment", times=1)
    await call(world, "comment_on_alert", {"alert": alert, "comment": "Contained"})
    await call(world, "comment_on_incident", {"incident": incident, "comment": "Contained"})
    for action, name, key in (("get_alert", "alert", alert), ("get_incident", "incident", incident)):
        seen = await call(world, action, {name: key})
        assert isinstance(seen, dict)
        assert isinstance(seen["comments"], list)
        assert len(seen["comments"]) == 1


async def test_an_incident_is_found_taken_and_tagged(world: World) -> None:
    an_alert(world)
    (found,) = await items(
        world, "list_incidents", {"status": "active", "severity": ["high"], "within": "1 d", "with_alerts": True}
    )
    assert found["alerts"]
    await call(world, "update_incident", {"incident": found["id"], "assigned_to": "soc@contoso.com", "tags": ["a"]})
    seen = await call(world, "get_incident", {"incident": found["id"]})
    assert isinstance(seen, dict)
    assert (seen["assignedTo"], seen["customTags"]) == ("soc@contoso.com", ["a"])


@pytest.mark.parametrize(("action", "what"), [("update_alert", "alert"), ("update_incident", "incident")])
async def test_a_change_of_nothing_is_refused(world: World, action: str, what: str) -> None:
    with pytest.raises(ActionError, match=f"nothing to change on the {what}"):
        await call(world, action, {what: "1"})
