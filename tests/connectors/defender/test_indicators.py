from datetime import timedelta

import pytest

from acting import NOON, Desk, Scene
from ringfence.actions import ActionError, Json, Result, Where
from ringfence.actions.catalogue import discover
from ringfence.connectors.defender.indicators import recognised

ACTIONS = discover().connectors["defender"].actions
BLOCK: dict[str, Json] = {"value": " 203.0.113.7 ", "title": "Beacon", "description": "Seen"}


async def submitted(**inputs: Json) -> dict[str, object]:
    desk = Desk({"submit_indicator": {"id": "1"}})
    await ACTIONS["defender.submit_indicator"].call(Scene(defender=desk), {**BLOCK, **inputs})
    ((_, asked),) = desk.asked
    made: dict[str, object] = asked["indicator"]
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
    assert (await submitted(expires_after="30 d"))["expiration_time"] == NOON + timedelta(days=30)
    assert (await submitted(expires_at="2026-01-31T12:00:00Z"))["expiration_time"] == NOON
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
    results: list[Json] = [{"indicator": "203.0.113.7", "isFailed": False}, {"indicator": "b.com", "isFailed": True}]
    desk = Desk({"import_indicators": results})
    action = ACTIONS["defender.import_indicators"]
    inputs: dict[str, Json] = {"indicators": [BLOCK, {**BLOCK, "value": "b.com", "expires_after": "1 d"}]}
    answer = await action.call(Scene(defender=desk), inputs)
    assert answer == Result("partly", {"items": results, "failed": results[1:]})
    ((_, asked),) = desk.asked
    assert [each["indicator_value"] for each in asked["indicators"]] == ["203.0.113.7", "b.com"]
    desk.answers["import_indicators"] = results[:1]
    answer = await action.call(Scene(defender=desk), inputs)
    assert answer == Result("success", {"items": results[:1], "failed": []})


async def test_indicators_are_listed_and_deleted() -> None:
    desk = Desk({"list_indicators": [], "delete_indicator": {"deleted": True}, "batch_delete_indicators": None})
    scene = Scene(defender=desk)
    await ACTIONS["defender.list_indicators"].call(scene, {"value": "b.com", "expiring_within": "7 d"})
    await ACTIONS["defender.delete_indicator"].call(scene, {"indicator": "1"})
    await ACTIONS["defender.delete_indicators"].call(scene, {"indicators": ["1", "2"]})
    assert desk.asked[0][1]["conditions"] == [
        Where("indicatorValue", "eq", ("b.com",)),
        Where("expirationTime", "le", (NOON + timedelta(days=7),)),
    ]
    assert desk.asked[1:] == [
        ("delete_indicator", {"indicator_id": "1", "key": "run1:one:0"}),
        ("batch_delete_indicators", {"indicator_ids": ["1", "2"], "key": "run1:one:0"}),
    ]
