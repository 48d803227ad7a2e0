import pytest

from acting import Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.actions.catalogue import discover
from ringfence.connectors.text import patterns

ACTIONS = discover().connectors["text"].actions


async def _match(text: str, pattern: str, **more: Json) -> Result:
    answer = await ACTIONS["text.match"].call(Scene(), {"text": text, "pattern": pattern, **more})
    assert isinstance(answer, Result)
    return answer


async def test_a_pattern_is_found_with_its_groups_and_all_places() -> None:
    answer = await _match("see INC0000001 and inc0000002", r"(?<kind>INC)(\d{7})", ignore_case=True)
    assert answer == Result(
        "matched",
        {
            "match": "INC0000001",
            "groups": ["INC", "0000001"],
            "names": {"kind": "INC"},
            "matches": ["INC0000001", "inc0000002"],
        },
    )
    assert (await _match("nothing", r"\p{Lu}\d")).outcome == "unmatched"


async def test_matches_are_replaced_as_it_is_written() -> None:
    action = ACTIONS["text.replace_matches"]
    answer = await action.call(Scene(), {"text": "a1b22", "pattern": r"\d+", "replacement": r"\1#"})
    assert answer == Result("success", r"a\1#b\1#")
    with pytest.raises(ActionError, match="too long"):
        await action.call(Scene(), {"text": "a" * 1_000, "pattern": "a", "replacement": "b" * 100_000})


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        "a**",
        "(?R)",
        "(?1)",
        "(?&x)",
        "(?P>x)",
        "(?:a){e<=2}",
        "(?:(?:a?){500}){500}",
        r"\L<names>",
        "(?(1)a|b)",
        "(?<=a{99999999999999999999})",
    ],
)
async def test_patterns_that_cannot_be_read_or_could_cost_anything_are_refused(pattern: str) -> None:
    with pytest.raises(ActionError, match="pattern") as caught:
        await _match("a", pattern)
    assert caught.value.permanent


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*a){12}b"])
async def test_a_pattern_that_goes_astray_on_hostile_text_is_given_up(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patterns, "SECONDS", 0.05)
    with pytest.raises(ActionError, match="could not be searched"):
        await _match("a" * 5_000 + "!", pattern)


async def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ActionError, match="at most 200000"):
        await _match("a" * 200_001, "a")
