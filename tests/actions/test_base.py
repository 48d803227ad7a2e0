from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from acting import Scene
from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    DataExpression,
    Duration,
    Effect,
    Json,
    Release,
    Result,
    RunExpression,
    Wait,
)
from ringfence.actions.base import Action
from ringfence.playbooks.model import ParameterKind

Name = Annotated[str, Field(description="A name.", min_length=1)]


def _connector(**changes: Any) -> Connector:
    declared: dict[str, Any] = {"title": "Contoso", "version": "1.0.0", "description": "Example.", "category": "Test"}
    declared |= changes
    return Connector("contoso", **declared)


def test_the_newest_release_is_the_version_of_the_connector() -> None:
    releases = (Release("1.1.0", "2026-03-01", "More."), Release("1.0.0", "2026-01-01", "First release."))
    assert _connector(version="1.1.0", releases=releases).releases == releases
    with pytest.raises(ValueError, match=r"at 1\.0\.0, but the newest of its releases is 1\.1\.0"):
        _connector(releases=releases)


def _greeter() -> Action:
    connector = _connector()

    @connector.action(effect=Effect.WRITE, permissions=("Greet.All",), outcomes=("success", "shy"))
    async def greet(
        context: Context,
        name: Name,
        kind: Annotated[Literal["warm", "cold"], Field(alias="type", description="How.")] = "warm",
        pause: Annotated[Duration | None, Field(description="How long to wait.")] = None,
        where: Annotated[RunExpression, Field(description="Where.")] = "trigger",
        pick: Annotated[DataExpression, Field(description="What.")] = "@",
    ) -> Result:
        """Say hello
        to somebody.

        More about it.

        Example:
            hello:
              action: contoso.greet
        """
        return Result("shy" if kind == "cold" else "success", {"name": name, "pause": pause.seconds if pause else None})

    return connector.actions["contoso.greet"]


def test_everything_is_derived_from_the_function() -> None:
    action = _greeter()
    assert (action.id, action.title, action.summary) == ("contoso.greet", "Greet", "Say hello to somebody.")
    assert action.description.endswith("More about it.")
    assert action.example == "hello:\n  action: contoso.greet"
    assert action.permissions == ("Greet.All",)
    assert [parameter.name for parameter in action.parameters.values()] == ["name", "type", "pause", "where", "pick"]
    assert [name for name, parameter in action.parameters.items() if parameter.required] == ["name"]
    assert action.parameters["type"].description == "How."
    assert action.parameters["where"].kind is ParameterKind.RUN_EXPRESSION
    assert action.parameters["pick"].kind is ParameterKind.DATA_EXPRESSION
    assert not action.repeatable


def test_an_action_may_have_a_title_of_its_own_and_names_the_operations_that_it_calls() -> None:
    connector = _connector()

    @connector.action(effect=Effect.READ, title="Find hosts by IP address", operations=("find_hosts",))
    async def find_hosts_by_ip(context: Context) -> None:
        """Find hosts."""

    action = connector.actions["contoso.find_hosts_by_ip"]
    assert (action.title, action.operations, action.noun) == ("Find hosts by IP address", ("find_hosts",), "")
    declared = action.to_json()
    assert (declared["operations"], declared["noun"]) == (["find_hosts"], "")


def test_the_schema_of_the_inputs_is_json_schema() -> None:
    schema = _greeter().schema()
    assert schema["required"] == ["name"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["type"]["enum"] == ["warm", "cold"]
    assert schema["properties"]["where"]["format"] == "jmespath"
    assert schema["properties"]["pause"]["anyOf"][0]["format"] == "duration"
    assert _greeter().to_json()["outcomes"] == ["success", "shy", "error"]


async def test_inputs_are_validated_and_handed_over_by_their_python_names() -> None:
    answer = await _greeter().call(Scene(), {"name": "Ada", "type": "cold", "pause": "2 min"})
    assert answer == Result("shy", {"name": "Ada", "pause": 120.0})


async def test_null_for_a_parameter_with_a_default_counts_as_left_out() -> None:
    answer = await _greeter().call(Scene(), {"name": "Ada", "type": None, "where": None})
    assert answer == Result("success", {"name": "Ada", "pause": None})


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({}, "name"),
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "Ada", "type": "hot"}, "type"),
        ({"name": "Ada", "kind": "cold"}, "kind"),
        ({"name": "Ada", "pause": 5}, "pause"),
        ({"name": "Ada", "other": None}, "other"),
    ],
)
async def test_inputs_that_do_not_fit_are_a_permanent_error_that_names_them(inputs: dict[str, Json], said: str) -> None:
    with pytest.raises(ActionError, match=said) as caught:
        await _greeter().call(Scene(), inputs)
    assert caught.value.permanent
    assert caught.value.code == "invalid-inputs"
    assert caught.value.advice


async def test_what_was_put_in_is_not_repeated_in_the_error() -> None:
    with pytest.raises(ActionError) as caught:
        await _greeter().call(Scene(), {"name": ["secret-text"]})
    assert "secret-text" not in caught.value.message


async def _call(answer: Any) -> Result | Wait:
    connector = _connector()

    @connector.action(effect=Effect.PURE)
    async def give(context: Context) -> Any:
        """Give something."""
        return answer

    assert connector.actions["contoso.give"].repeatable
    return await connector.actions["contoso.give"].call(Scene(), {})


async def test_a_plain_value_is_a_success() -> None:
    assert await _call({"a": [1]}) == Result("success", {"a": [1]})
    assert await _call(None) == Result("success", None)


async def test_a_wait_is_passed_on() -> None:
    wait = Wait(topics=("containment:1",), state={"id": 1})
    assert await _call(wait) is wait


async def test_an_outcome_that_was_not_declared_is_a_bug() -> None:
    with pytest.raises(TypeError, match="does not declare"):
        await _call(Result("maybe"))


@pytest.mark.parametrize("output", [object(), float("nan"), {1: 2}, "x" * 2_000_000])
async def test_an_output_that_cannot_be_kept_is_an_error(output: Any) -> None:
    with pytest.raises(ActionError, match="cannot be kept"):
        await _call(output)


def test_literals_can_be_asked_what_is_wrong_with_them() -> None:
    parameters = _greeter().parameters
    assert parameters["name"].fault("Ada") is None
    assert "at least 1 character" in (parameters["name"].fault("") or "")
    assert "'warm' or 'cold'" in (parameters["type"].fault("hot") or "")
    assert "30 min" in (parameters["pause"].fault("soon") or "")
    assert "not complete" in (parameters["where"].fault("a.") or "")
    assert parameters["where"].fault("a.b") is None


def test_a_wait_needs_an_end_and_a_state() -> None:
    with pytest.raises(ValueError, match="time or a topic"):
        Wait()
    with pytest.raises(ValueError, match="must not be null"):
        Wait(until=datetime(2026, 1, 1, tzinfo=UTC), state=None)


def _declare(function: Any, **changes: Any) -> None:
    _connector().action(**({"effect": Effect.PURE} | changes))(function)


async def _no_words(context: Context) -> None:
    pass


async def _no_context(name: Name) -> None:
    """Do it."""


async def _no_description(context: Context, name: str) -> None:
    """Do it."""


def _not_async(context: Context) -> None:
    """Do it."""


async def _fine(context: Context) -> None:
    """Do it."""


@pytest.mark.parametrize(
    ("function", "changes", "said"),
    [
        (_no_words, {"name": "one"}, "docstring"),
        (_no_context, {"name": "one"}, "context: Context"),
        (_no_description, {"name": "one"}, "description"),
        (_not_async, {"name": "one"}, "async"),
        (_fine, {"name": "No-Name"}, "lower-case"),
        (_fine, {"name": "one", "effect": Effect.CONTAIN}, "permissions and its undo"),
        (_fine, {"name": "one", "effect": Effect.CONTAIN, "permissions": ("x",)}, "permissions and its undo"),
        (_fine, {"name": "one", "outcomes": ()}, "an outcome"),
        (_fine, {"name": "one", "outcomes": ("success", "error")}, "by itself"),
    ],
)
def test_a_declaration_that_reviewers_would_refuse_does_not_load(
    function: Any, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        _declare(function, **changes)


def test_an_action_is_declared_once() -> None:
    connector = _connector()
    connector.action(effect=Effect.PURE, name="one")(_fine)
    with pytest.raises(ValueError, match="twice"):
        connector.action(effect=Effect.PURE, name="one")(_fine)


def test_ids_of_connectors_are_plain() -> None:
    with pytest.raises(ValueError, match="lower-case"):
        Connector("Contoso Ltd", title="", version="", description="", category="")


async def test_a_value_of_another_form_is_answered_with_what_is_meant_instead_of_a_pattern() -> None:
    connector = _connector()
    number = Annotated[str, Field(description="A number of four digits.", pattern=r"^[0-9]{4}$")]

    @connector.action(effect=Effect.PURE)
    async def call(
        context: Context, numbers: Annotated[list[number], Field(description="Numbers of four digits.")]
    ) -> None:
        """Call."""

    action = connector.actions["contoso.call"]
    assert action.parameters["numbers"].fault(["1234", "x"]) == "1: Numbers of four digits."
    with pytest.raises(ActionError, match=r"do not fit: numbers\.1: Numbers of four digits\."):
        await action.call(Scene(), {"numbers": ["1234", "x"]})
