import pytest

from acting import Scene
from ringfence.actions import RAW_ALERT, ActionError, Json, Result
from ringfence.connectors.jmespath import connector

RAW: dict[str, Json] = {"computerDnsName": "ws-1", "relatedUser": {"userName": "ada"}}


async def _query(scene: Scene, expression: str, **inputs: Json) -> object:
    return await connector.actions["jmespath.query"].call(scene, {"expression": expression} | inputs)


@pytest.mark.parametrize(
    "trigger",
    [
        {RAW_ALERT: RAW, "alert": {}},
        {RAW_ALERT: '{"computerDnsName": "ws-1", "relatedUser": {"userName": "ada"}}'},
        {"alert": RAW},
    ],
    ids=["object", "text", "alert"],
)
async def test_a_query_looks_into_the_alert_as_defender_sent_it(trigger: dict[str, Json]) -> None:
    found = await _query(Scene({"trigger": trigger}), "{host: computerDnsName, user: relatedUser.userName}")
    assert found == Result("success", {"host": "ws-1", "user": "ada"})


@pytest.mark.parametrize("data", [[1, 2, 3], "[1, 2, 3]"])
async def test_a_query_looks_into_other_data_when_given(data: Json) -> None:
    assert await _query(Scene(), "[1]", data=data) == Result("success", 2)


async def test_nothing_found_is_null() -> None:
    assert await _query(Scene(), "a.b") == Result("success", None)


@pytest.mark.parametrize(
    ("expression", "data", "code"),
    [
        ("length(@)", 5, "expression-failed"),
        ("a.", {}, "expression-failed"),
        ("@", "not json", "not-json"),
        ("@", "[" * 100_000, "not-json"),
    ],
)
async def test_what_cannot_be_queried_is_a_permanent_error(expression: str, data: Json, code: str) -> None:
    with pytest.raises(ActionError) as caught:
        await _query(Scene(), expression, data=data)
    assert (caught.value.code, caught.value.permanent) == (code, True)
