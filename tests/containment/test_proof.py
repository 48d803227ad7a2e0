import json

import pytest

from containment_alerts import an_alert
from containment_world import World
from ringfence.audit import log
from ringfence.containment import proof
from ringfence.containment.asking import answer
from ringfence.containment.model import State
from ringfence.errors import NotFound


async def test_the_proof_holds_everything_that_was_known_decided_asked_sent_and_confirmed(world: World) -> None:
    alert_id, name = an_alert(world)
    world.set_policy(approvals={"people_too": True, "approvers": ["bjones"]})
    asked = world.request("wks-001", alert_id=alert_id, requested_by="asmith")
    waiting = await world.settle(asked, State.AWAITING_APPROVAL)
    question = world.database.read_now(
        lambda tx: proof.document(tx, world.organization_id, waiting.id, by="asmith")["approvals"][0]
    )
    assert (question["state"], question["answers"]) == ("open", [])
    world.database.run_now(
        lambda tx: answer(
            tx, question["id"], organization_id=world.organization_id, by="bjones", yes=True, via="page", comment="Go"
        )
    )
    await world.settle(asked, State.CONTAINED)
    world.set_policy(mode="none")
    world.let_go(asked)
    await world.settle(asked, State.RELEASED)
    made = world.database.read_now(lambda tx: proof.document(tx, world.organization_id, asked.id, by="auditor"))
    assert json.loads(proof.written(made)) == made
    assert (made["kind"], made["made_by"]) == ("ringfence.containment.proof/1", "auditor")
    assert made["containment"]["state"] == "released"
    assert "Defender confirmed it at" in made["result"]
    assert made["alert"]["alert_id"] == name
    assert [version["document"]["id"] for version in made["alert"]["versions"]] == [name]
    assert made["decision"]["verdict"]["facts"]["machine_id"] == made["containment"]["machine_id"]
    # The policy that counted then, not the one that counts now.
    policy = made["decision"]["policy"]
    assert [layer["version"] for layer in policy["layers"]] == [1]
    assert {line["field"]: line["value"] for line in policy["lines"]}["mode"] == "any"
    assert [each["by"] for each in made["approvals"][0]["answers"]] == ["bjones"]
    posts = [each["operation"] for each in made["exchanges"] if each["method"] == "POST"]
    assert posts == ["isolate_machine", "unisolate_machine"]
    assert all(made["clocks"][each] is not None for each in ("decide", "confirm", "release", "held"))
    assert [each["state"] for each in made["told_to_the_alert"]] == ["due", "due"]
    events = [entry["event"] for entry in made["audit"]["entries"]]
    assert events[0] == "containment:requested"
    assert {"approval:asked", "approval:answered", "containment:confirmed", "containment:released"} <= set(events)
    head = world.database.read_now(lambda tx: log.head(tx, world.organization_id))
    assert head is not None
    assert made["audit"]["head"] == {"number": head.number, "hash": head.hash}


async def test_a_containment_that_was_never_decided_has_a_proof_too(world: World) -> None:
    asked = world.request("wks-001")
    made = world.database.read_now(lambda tx: proof.document(tx, world.organization_id, asked.id, by="auditor"))
    assert (made["alert"], made["decision"], made["exchanges"]) == (None, {"verdict": None, "policy": None}, [])
    assert "is not known yet" in made["result"]


async def test_another_organization_has_no_proof_of_it(world: World) -> None:
    asked = world.request("wks-001")
    with pytest.raises(NotFound):
        world.database.read_now(lambda tx: proof.document(tx, "another", asked.id, by="auditor"))


def test_what_utf_8_cannot_hold_is_escaped() -> None:
    assert json.loads(proof.written({"title": "\ud800 é"})) == {"title": "\ud800 é"}
