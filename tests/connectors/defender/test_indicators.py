from dataclasses import replace
from datetime import timedelta

import pytest

from acting import NOON, Desk, Responder, Scene
from ringfence.actions import ActionError, Json, ResponseState, Result, Wait, Where
from ringfence.actions.catalogue import discover
from ringfence.connectors.defender.indicators import recognised

ACTIONS = discover().connectors["defender"].actions
BLOCK: dict[str, Json] = {"value": " 203.0.113.7 ", "title": "Beacon", "description": "Seen"}


async def submitted(**inputs: Json) -> dict[str, object]:
    desk = Desk()
    await ACTIONS["defender.submit_indicator"].call(Scene(defender=desk), {**BLOCK, **inputs})
    ((_, asked),) = desk.responses.asked
    made: dict[str, object] = asked["parameters"]["indicators"][0]
    return {name: value for name, value in made.items() if value is not None}


async def test_an_indicator_blocks_for_ever_unless_told_otherwise() -> None:
    assert await submitted() == {
        "indicator_value": "203.0.113.7",
        "indicator_type": "IpAddress",
        "action": "Block",
        "title": "Beacon",
        "description": "Seen",
        "generate_alert": True,
    }


async def test_an_indicator_ends_after_a_time_or_at_a_moment_but_not_both() -> None:
    assert (await submitted(expires_after="30 d"))["expiration_time"] == (NOON + timedelta(days=30)).isoformat()
    assert (await submitted(expires_at="2026-01-31T12:00:00Z"))["expiration_time"] == NOON.isoformat()
    with pytest.raises(ActionError, match="two ends"):
        await submitted(expires_after="30 d", expires_at="2026-01-31T12:00:00Z")
    with pytest.raises(ActionError, match="no time zone"):
        await submitted(expires_at="2026-01-31T12:00:00")


async def test_watching_without_an_alert_is_refused_and_allowing_asks_for_none() -> None:
    with pytest.raises(ActionError, match="does nothing"):
        await submitted(action="Audit", generate_alert=False)
    assert "generate_alert" not in await submitted(action="Allowed")


async def test_what_a_value_is_can_be_said() -> None:
    assert (await submitted(value="a" * 40, type="CertificateThumbprint"))["indicator_type"] == "CertificateThumbprint"
    assert (await submitted(educate_url="https://contoso.com"))["educate_url"] == "https://contoso.com"


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("a" * 40, "FileSha1"),
        ("A" * 64, "FileSha256"),
        ("0" * 32, "FileMd5"),
        ("203.0.113.7", "IpAddress"),
        ("2001:db8::1", "IpAddress"),
        ("beacon.fabrikam.com", "DomainName"),
        ("https://fabrikam.com", "Url"),
        ("fabrikam.com/a/b", "Url"),
    ],
)
def test_what_a_value_is_is_recognised(value: str, kind: str) -> None:
    assert recognised(value) == kind


@pytest.mark.parametrize("value", ["10.0.0.0/8", "fabrikam", "two words", "", "-a.com", "g" * 40])
def test_what_is_none_of_this_is_refused(value: str) -> None:
    with pytest.raises(ActionError, match="no hash, address, domain or URL"):
        recognised(value)


async def test_several_are_submitted_at_once_and_those_that_failed_are_told() -> None:
    made: list[Json] = [{"id": "1", "indicatorValue": "203.0.113.7"}]
    done = ResponseState("r1", "done", done=True, accepted=True, made=made, failed=("b.com: refused",))
    desk = Desk(responses=Responder(done))
    action = ACTIONS["defender.import_indicators"]
    inputs: dict[str, Json] = {"indicators": [BLOCK, {**BLOCK, "value": "b.com", "expires_after": "1 d"}]}
    answer = await action.call(Scene(defender=desk), inputs)
    output: Json = {"items": made, "failed": ["b.com: refused"], "response": done.to_json()}
    assert answer == Result("partly", output)
    ((_, asked),) = desk.responses.asked
    assert [each["indicator_value"] for each in asked["parameters"]["indicators"]] == ["203.0.113.7", "b.com"]
    desk.responses.now = replace(done, failed=())
    answer = await action.call(Scene(defender=desk), inputs)
    assert isinstance(answer, Result)
    assert answer.outcome == "success"


async def test_one_is_given_as_defender_lists_it() -> None:
    done = ResponseState("r1", "done", done=True, accepted=True, made=[{"id": "7"}])
    answer = await ACTIONS["defender.submit_indicator"].call(Scene(defender=Desk(responses=Responder(done))), BLOCK)
    assert answer == Result("success", {"id": "7", "response": done.to_json()})


async def test_indicators_are_listed() -> None:
    desk = Desk({"list_indicators": []})
    await ACTIONS["defender.list_indicators"].call(Scene(defender=desk), {"value": "b.com", "expiring_within": "7 d"})
    assert desk.asked[0][1]["conditions"] == [
        Where("indicatorValue", "eq", ("b.com",)),
        Where("expirationTime", "le", (NOON + timedelta(days=7),)),
    ]


async def test_only_those_that_ringfence_made_are_deleted_and_their_end_is_waited_for() -> None:
    desk = Desk(responses=Responder(ResponseState("r1", "undoing")))
    scene = Scene(defender=desk)
    parked = await ACTIONS["defender.delete_indicators"].call(scene, {"indicators": ["1", "2"]})
    assert isinstance(parked, Wait)
    assert parked.topics == ("response:r1",)
    assert desk.responses.asked[0] == ("undo indicators", {"indicators": ["1", "2"]})
    scene.resumed = parked.state
    desk.responses.now = ResponseState("r1", "undone", final=True)
    answer = await ACTIONS["defender.delete_indicators"].call(scene, {"indicators": ["1", "2"]})
    assert isinstance(answer, Result)
    assert answer.outcome == "success"


@pytest.mark.parametrize(("ours", "outcome"), [(True, "partly"), (False, "not_owned")])
async def test_those_of_others_are_left_alone_and_told(ours: bool, outcome: str) -> None:
    foreign = ResponseState("", "not_owned", detail="Not made by Ringfence: 2.", final=True)
    mine = ResponseState("r1", "undone", final=True)
    desk = Desk(responses=Responder(mine, (foreign,)) if ours else Responder(foreign))
    answer = await ACTIONS["defender.delete_indicators"].call(Scene(defender=desk), {"indicators": ["1", "2"]})
    assert isinstance(answer, Result)
    assert answer.outcome == outcome


async def test_a_deletion_that_failed_is_an_error_with_its_code() -> None:
    failed = ResponseState("r1", "undo_failed", code="Forbidden", detail="Missing roles.")
    scene = Scene(defender=Desk(responses=Responder(failed)))
    with pytest.raises(ActionError, match="not deleted yet") as raised:
        await ACTIONS["defender.delete_indicator"].call(scene, {"indicator": "1"})
    assert raised.value.code == "Forbidden"
    with pytest.raises(TypeError):
        await ACTIONS["defender.delete_indicator"].call(Scene(resumed={"id": "x"}), {"indicator": "1"})
