import pytest

from acting import Scene
from ringfence.actions import ActionError, Json, Result
from ringfence.actions.catalogue import discover

ACTIONS = discover().connectors["text"].actions


async def _do(action: str, **inputs: Json) -> Json:
    answer = await ACTIONS[f"text.{action}"].call(Scene(), inputs)
    assert isinstance(answer, Result)
    return answer.output


async def test_texts_are_joined_and_cut() -> None:
    assert await _do("join", values=["a", None, "", 1, {"x": True}]) == 'a, 1, {"x":true}'
    assert await _do("join", values=["a", "b", "c"], last=" and ") == "a, b and c"
    assert await _do("join", values=["a"], last=" and ") == "a"
    assert await _do("split", text=" a; b ;;c", separator=";") == ["a", "b", "c"]
    assert await _do("split", text="a;;b", separator=";", empty=True) == ["a", "", "b"]
    assert await _do("split", text="a b\nc") == ["a", "b", "c"]
    assert await _do("split", text="a,b,c", separator=",", limit=2) == ["a", "b,c"]


async def test_texts_are_replaced_and_shortened() -> None:
    assert await _do("replace", text="a.b.c", find=".", replacement="-") == "a-b-c"
    with pytest.raises(ActionError, match="longer than"):
        await _do("replace", text="a" * 1_000, find="a", replacement="b" * 10_000)
    assert await _do("shorten", text="abcdef", length=4) == "abc…"
    assert await _do("shorten", text="abc", length=3) == "abc"
    assert await _do("shorten", text="abcdef", length=2, ending="...") == ".."


@pytest.mark.parametrize(
    ("to", "text", "output"),
    [
        ("upper", "ß", "SS"),
        ("trim", " a\n", "a"),
        ("base64", "ü", "w7w="),
        ("from_base64", "w7w=", "ü"),
        ("hex", "ü", "c3bc"),
        ("from_hex", "C3 BC", "ü"),
        ("url", "a b/&?", "a%20b%2F%26%3F"),
        ("from_url", "a%20b", "a b"),
        ("html", "<a href='x'>", "&lt;a href=&#x27;x&#x27;&gt;"),
        ("from_html", "&lt;a&gt;", "<a>"),
        ("sha1", "", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        ("sha256", "a\ud800", "5289f1df3e143b323d3d26e0816d7b06572117be0544accbfd230e8914ed1edc"),
    ],
)
async def test_a_text_is_written_in_another_way(to: str, text: str, output: str) -> None:
    assert await _do("convert", text=text, to=to) == output


@pytest.mark.parametrize(
    ("to", "text"), [("from_base64", "***"), ("from_base64", "/w=="), ("from_hex", "xy"), ("from_url", "%ff")]
)
async def test_what_cannot_be_read_is_refused(to: str, text: str) -> None:
    with pytest.raises(ActionError, match="cannot be read"):
        await _do("convert", text=text, to=to)


async def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ActionError, match="at most 1000000"):
        await _do("convert", text="a" * 1_000_001, to="upper")
