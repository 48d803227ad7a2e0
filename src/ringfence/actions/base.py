"""The contract for actions: what a connector file declares, and what its functions see and give back.

An action is its function. Name, annotated parameters, docstring and one decorator are the whole declaration; the id, the
JSON Schema, validation, permissions and docs derive from it:

    connector = Connector("contoso", title="Contoso", version="1.0.0", description="…", category="Chat")

    @connector.action(effect=Effect.WRITE, repeatable=True)
    async def post(context: Context, text: Annotated[str, Field(description="What to say.")]) -> Json:
        \"""Post a message.\"""

What an action gives back is either a JSON value (the outcome `success`), a `Result` with another outcome that it
declared, or a `Wait`. What it raises is an `ActionError`; anything else is a bug and is shown as an internal error.

Effects happen at most once because every call carries `context.step_key`, which stays the same over attempts, resumes
and crashes: an action hands it on, and the other side uses it to find what was already done. An action that may be
called again with the same key without doubling its effect says `repeatable=True`; pure and reading ones always may.
"""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from ringfence.actions.context import Context, LogLevel
from ringfence.actions.parameters import (
    PLAIN_NAME,
    DataExpression,
    Parameter,
    RunExpression,
    derived,
    described,
    sentence,
)
from ringfence.actions.polling import Polling, ServiceType
from ringfence.actions.shapes import Shape, recorded
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.model import ERROR, RAW_ALERT, SUCCESS, Effect, Json, ParameterKind

Function: TypeAlias = Callable[..., Awaitable[Any]]

__all__ = [
    "ERROR",
    "RAW_ALERT",
    "SUCCESS",
    "Action",
    "ActionError",
    "Connector",
    "Context",
    "DataExpression",
    "Effect",
    "Json",
    "LogLevel",
    "Parameter",
    "Release",
    "Result",
    "RunExpression",
    "Wait",
]


class ActionError(Exception):
    """An expected failure; `permanent` says that trying again cannot help, which is all that retrying asks.

    With `retry_after`, in seconds, nothing has failed: calls are not granted for so long, and the step waits; a change of
    one of `topics` (such as `account:ID`) ends that earlier.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        permanent: bool,
        advice: str = "",
        retry_after: float | None = None,
        topics: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.permanent = permanent
        self.advice = advice
        self.retry_after = retry_after
        self.topics = topics


@dataclass(frozen=True, slots=True)
class Result:
    """A success with a declared outcome; `output` is what later steps see as `steps.NAME`."""

    outcome: str = SUCCESS
    output: Json = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Park this step, holding nothing, and call the action again with `context.resumed` set to `state`.

    It is called again when `until` has come or one of `topics` (such as `containment:ID`) changed, whichever is first,
    and possibly without either: the action looks for itself and may wait again. The runtime must treat a change that
    happened since it called the action as one that wakes. `state` is JSON and must not be null.
    """

    until: datetime | None = None
    topics: tuple[str, ...] = ()
    state: Json = True

    def __post_init__(self) -> None:
        if self.state is None:
            raise ValueError("The state of a Wait must not be null: null means that an action was not resumed.")
        if self.until is None and not self.topics:
            raise ValueError("A Wait needs a time or a topic, or it would never end.")


@dataclass(frozen=True)
class Action:
    """One action of a connector; everything but the function itself is derived from the function."""

    connector: "Connector"
    function: Function = field(repr=False)
    id: str
    title: str
    summary: str
    description: str
    example: str
    effect: Effect
    operations: tuple[str, ...]
    permissions: tuple[str, ...]
    undo: str | None
    outcomes: tuple[str, ...]
    branches: str
    repeatable: bool
    parameters: Mapping[str, Parameter]
    declared: Shape
    _model: type[BaseModel] = field(repr=False)

    @property
    def noun(self) -> str:
        """Name what the action is about: its module's name, where its connector is a package."""
        module, _, noun = self.function.__module__.rpartition(".")
        return noun.replace("_", " ").capitalize() if module.rpartition(".")[2] == self.connector.id else ""

    @property
    def gives(self) -> Shape:
        """Give the shape of the output, as `ringfence.actions.shapes` writes it; None where it depends on the step."""
        return recorded().get(self.id) if self.declared is None else self.declared

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema (2020-12) of the inputs."""
        schema = self._model.model_json_schema(by_alias=True)
        for name, parameter in self.parameters.items():
            if parameter.kind is not ParameterKind.VALUE:
                schema["properties"][name]["format"] = "jmespath"
        return schema | {"title": self.title, "description": self.summary}

    def to_json(self) -> dict[str, Any]:
        """Give the whole declaration for listings and the API."""
        return {
            "id": self.id,
            "title": self.title,
            "connector": self.connector.id,
            "noun": self.noun,
            "description": self.description,
            "effect": self.effect.value,
            "operations": list(self.operations),
            "permissions": list(self.permissions),
            "undo": self.undo,
            "outcomes": [*self.outcomes, ERROR],
            "branches": self.branches,
            "repeatable": self.repeatable,
            "inputs": self.schema(),
            "gives": self.gives,
        }

    async def call(self, context: Context, inputs: Mapping[str, Json]) -> Result | Wait:
        """Validate the inputs and run the function; null for a parameter with a default counts as left out.

        Raises ActionError for what the function expects to fail, and for inputs that do not fit.
        """
        given = {name: value for name, value in inputs.items() if value is not None or self._needs(name)}
        try:
            model = self._model.model_validate(given)
        except ValidationError as error:
            described = {each.name: each.description for each in self.parameters.values()}
            message = f"The inputs of {self.id} do not fit: {sentence(error, lambda name: described.get(name, ''))}"
            advice = "Look at the rendered inputs of this step and at the steps that they come from."
            raise ActionError(message, code="invalid-inputs", permanent=True, advice=advice) from None
        arguments = {one.python_name: getattr(model, one.python_name) for one in self.parameters.values()}
        answer = await self.function(context, **arguments)
        if isinstance(answer, Wait):
            return answer
        result = answer if isinstance(answer, Result) else Result(output=answer)
        branches = given.get(self.branches) if self.branches else None
        if result.outcome not in self.outcomes and not (isinstance(branches, dict) and result.outcome in branches):
            raise TypeError(f"{self.id} gave the outcome {result.outcome!r}, which it does not declare.")
        try:
            return Result(result.outcome, plain(result.output))
        except ValueError as error:
            message = f"The output of {self.id} cannot be kept: {error}"
            advice = "Ask for less, with a lower limit or a narrower filter, if there is too much of it."
            raise ActionError(message, code="output-unusable", permanent=True, advice=advice) from None

    def _needs(self, name: str) -> bool:
        parameter = self.parameters.get(name)
        return parameter is None or parameter.required


@dataclass(frozen=True, slots=True)
class Release:
    """What a version brought, for those who use it; `date` is the day as 2026-03-01."""

    version: str
    date: str
    notes: str


class Connector:
    """The actions and trigger services for one service: one file, or a package of files that import the one in its `__init__`.

    `releases` say what each version brought, the newest first; the first of them is the connector's `version`.
    """

    def __init__(
        self,
        id: str,  # noqa: A002
        *,
        title: str,
        version: str,
        description: str,
        category: str,
        publisher: str = "",
        releases: tuple[Release, ...] = (),
    ) -> None:
        if not PLAIN_NAME.fullmatch(id):
            raise ValueError(f"{id!r} cannot be a connector's id: use lower-case letters, digits and underscores.")
        if releases and releases[0].version != version:
            raise ValueError(f"{id} is at {version}, but the newest of its releases is {releases[0].version}.")
        self.publisher: Final = publisher
        self.releases: Final = releases
        self.id: Final = id
        self.title: Final = title
        self.version: Final = version
        self.description: Final = description
        self.category: Final = category
        self.actions: Final[dict[str, Action]] = {}
        self.services: Final[dict[str, ServiceType]] = {}

    def trigger_service(
        self, *, title: str | None = None, name: str | None = None, timeout: float = 60.0
    ) -> Callable[[Polling], Polling]:
        """Declare the decorated async function as a type of trigger service; it stays callable as it is.

        It is called once for each poll, and given up after `timeout` seconds, 300 at most. See `polling`.
        """

        def declare(function: Polling) -> Polling:
            declared = ServiceType.of(self.id, function, name or function.__name__, title, timeout)
            if declared.id in self.services:
                raise ValueError(f"{declared.id} is declared twice.")
            self.services[declared.id] = declared
            return function

        return declare

    def action(
        self,
        *,
        effect: Effect,
        permissions: tuple[str, ...] = (),
        undo: str | None = None,
        outcomes: tuple[str, ...] = (SUCCESS,),
        branches: str = "",
        repeatable: bool = False,
        name: str | None = None,
        title: str | None = None,
        operations: tuple[str, ...] = (),
        gives: Shape = None,
    ) -> Callable[[Function], Function]:
        """Declare the decorated async function as an action of this connector; it stays callable as it is.

        `permissions` are the least roles of the account that the call needs; `undo` is the id of the action that takes
        the effect back; `outcomes` are the named ways to succeed, and so are the names in the mapping that an author gives for
        the parameter `branches`. `operations` are those of Microsoft's APIs that it calls,
        by their ids in the fact book. `gives` is the shape of the output (`ringfence.actions.shapes`), which the designer
        completes from. The id is the connector's and the function's name.
        """

        def declare(function: Function) -> Function:
            plain_name = name or function.__name__
            action = _derive(
                self,
                function,
                plain_name,
                title or plain_name.replace("_", " ").capitalize(),
                effect,
                operations,
                permissions,
                undo,
                outcomes,
                branches,
                repeatable,
                gives,
            )
            if action.id in self.actions:
                raise ValueError(f"{action.id} is declared twice.")
            self.actions[action.id] = action
            return function

        return declare


def _derive(
    connector: Connector,
    function: Function,
    name: str,
    title: str,
    effect: Effect,
    operations: tuple[str, ...],
    permissions: tuple[str, ...],
    undo: str | None,
    outcomes: tuple[str, ...],
    branches: str,
    repeatable: bool,
    gives: Shape,
) -> Action:
    action_id = f"{connector.id}.{name}"
    text = described(action_id, function, name)
    if effect is Effect.CONTAIN and not (permissions and undo):
        raise ValueError(f"{action_id} cuts hosts off or lets them go: it must name its permissions and its undo.")
    if not outcomes or ERROR in outcomes:
        raise ValueError(f"{action_id} must have an outcome, and `error` exists by itself.")
    description, example = _split_example(text)
    parameters, model = derived(action_id, function, Context)
    if branches and branches not in parameters:
        raise ValueError(f"{action_id} has no parameter {branches}, whose names would be outcomes.")
    return Action(
        connector=connector,
        function=function,
        id=action_id,
        title=title,
        summary=description.split("\n\n")[0].replace("\n", " "),
        description=description,
        example=example,
        effect=effect,
        operations=operations,
        permissions=permissions,
        undo=undo,
        outcomes=outcomes,
        branches=branches,
        repeatable=repeatable or effect in (Effect.PURE, Effect.READ),
        parameters=parameters,
        declared=gives,
        _model=model,
    )


def _split_example(text: str) -> tuple[str, str]:
    description, mark, example = text.partition("\nExample:\n")
    return description.strip(), inspect.cleandoc("\n" + example) if mark else ""
