import io
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from ringfence.actions import Action, Connector, Context, Duration, Effect, Json
from ringfence.cli.inputs import gather
from ringfence.errors import Invalid

connector = Connector("contoso", title="Contoso", version="1.0.0", description="A pretend service.", category="Test")


@connector.action(effect=Effect.PURE)
async def act(
    context: Context,
    text: Annotated[str, Field(description="A text.")],
    number: Annotated[int, Field(description="A number.")] = 1,
    names: Annotated[list[str] | None, Field(description="Names.")] = None,
    more: Annotated[dict[str, int] | None, Field(description="More.")] = None,
    flag: Annotated[bool, Field(description="A flag.")] = False,
    within: Annotated[Duration | None, Field(description="A time.")] = None,
) -> Json:
    """Do nothing."""
    return None


ACTION: Action = connector.actions["contoso.act"]


def test_a_value_is_the_text_where_that_fits_and_what_it_says_where_it_does_not() -> None:
    given = ["text=007", "number=5", "names=[a, b]", 'more={"x": 1}', "flag=yes", "within=24 h"]
    assert gather(ACTION, given, None) == {
        "text": "007",
        "number": "5",
        "names": ["a", "b"],
        "more": {"x": 1},
        "flag": "yes",
        "within": "24 h",
    }
    assert gather(ACTION, ["text=a=b"], None) == {"text": "a=b"}


def test_a_value_comes_from_a_file_or_from_stdin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "query.kql").write_text("DeviceInfo\n| take 1\n")
    assert gather(ACTION, [f"text=@{tmp_path}/query.kql"], None) == {"text": "DeviceInfo\n| take 1\n"}
    monkeypatch.setattr("sys.stdin", io.StringIO("from stdin"))
    assert gather(ACTION, ["text=@-"], None) == {"text": "from stdin"}
    assert gather(ACTION, ["text=@@contoso"], None) == {"text": "@contoso"}
    with pytest.raises(Invalid, match="cannot be read: No such file"):
        gather(ACTION, ["text=@/none"], None)


@pytest.mark.parametrize(
    ("name", "content"),
    [("in.yaml", "text: a\nnames: [x, y]\n"), ("in.json", '{"text": "a", "names": ["x", "y"]}')],
)
def test_inputs_come_from_a_file_and_options_win_over_it(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content)
    assert gather(ACTION, ["text=b"], tmp_path / name) == {"text": "b", "names": ["x", "y"]}


@pytest.mark.parametrize(
    ("content", "said"), [("[1, 2]", "does not hold inputs"), ("a: b: c", "not JSON or YAML"), ("\xff", "not UTF-8")]
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "in.yaml"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(Invalid, match=said):
        gather(ACTION, [], path)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(Invalid) as raised:
        gather(ACTION, ["nmaes=a", "number=many", "else=1"], None)
    assert raised.value.problems[0] == "nmaes is no input of it. Did you mean names?"
    assert raised.value.problems[1].startswith("number: ")
    assert raised.value.problems[2].startswith("else is no input of it.")
    assert raised.value.problems[3] == "text is missing: A text."
    with pytest.raises(Invalid, match="is no input"):
        gather(ACTION, ["text"], None)
