"""The parameters of a function that a connector declares: their names, what they take, and what is wrong with a value."""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Final, TypeAlias, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic.fields import FieldInfo

from ringfence.playbooks.expressions import ExpressionError, compile_expression
from ringfence.playbooks.model import Json, ParameterKind

PLAIN_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
"""What connectors, actions and types of trigger services may be called."""


@dataclass(frozen=True, slots=True)
class _ExpressionMark:
    kind: ParameterKind


RunExpression: TypeAlias = Annotated[str, _ExpressionMark(ParameterKind.RUN_EXPRESSION)]
"""A parameter that is JMESPath over the run document."""

DataExpression: TypeAlias = Annotated[str, _ExpressionMark(ParameterKind.DATA_EXPRESSION)]
"""A parameter that is JMESPath over data which the action chooses."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of an action, under the name that playbooks use."""

    name: str
    python_name: str
    description: str
    required: bool
    kind: ParameterKind
    annotation: Any = field(repr=False)

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.annotation)

    def fault(self, value: Json) -> str | None:
        """Say in one sentence what is wrong with a literal value, or None."""
        if self.kind is not ParameterKind.VALUE and isinstance(value, str):
            try:
                compile_expression(value)
            except ExpressionError as error:
                return error.message
        try:
            self._adapter.validate_python(value)
        except ValidationError as error:
            return sentence(error, lambda _: self.description)
        return None


def described(own_id: str, function: Callable[..., Any], name: str) -> str:
    """Return the docstring of a function that a connector declares; ValueError where it cannot be declared."""
    if not PLAIN_NAME.fullmatch(name) or not inspect.iscoroutinefunction(function):
        raise ValueError(f"{own_id} must be an async function with a lower-case name.")
    text = inspect.cleandoc(function.__doc__ or "")
    if not text:
        raise ValueError(f"{own_id} needs a docstring: it is the description that people read.")
    return text


def derived(name: str, function: Callable[..., Any], first: type) -> tuple[dict[str, Parameter], type[BaseModel]]:
    """Return a function's parameters after the one that is handed in, of the type `first`, and the model of them all.

    ValueError where the function is not declared as it must be; `name` is what that calls it.
    """
    hints = get_type_hints(function, include_extras=True)
    names = list(inspect.signature(function).parameters.values())
    if not names or hints.get(names[0].name) is not first:
        raise ValueError(f"{name} must take `{first.__name__.lower()}: {first.__name__}` first.")
    fields: dict[str, Any] = {}
    parameters: dict[str, Parameter] = {}
    for one in names[1:]:
        annotation = hints[one.name]
        default = ... if one.default is one.empty else one.default
        info = FieldInfo.from_annotation(annotation)
        public = info.alias or one.name
        if not info.description:
            raise ValueError(f"{name}: the parameter {public} needs a Field(description=…).")
        fields[one.name] = (annotation, default)
        # An alias belongs to a field; a single value is validated without it.
        bare = Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
        kind = _kind(annotation)
        parameters[public] = Parameter(public, one.name, info.description, default is ..., kind, bare)
    config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)
    model: type[BaseModel] = create_model(f"{name} inputs", __config__=config, **fields)
    return parameters, model


def _kind(annotation: Any) -> ParameterKind:
    if get_origin(annotation) is Annotated:
        for mark in get_args(annotation)[1:]:
            if isinstance(mark, _ExpressionMark):
                return mark.kind
    return ParameterKind.VALUE


def problems(error: ValidationError, described: Callable[[str], str]) -> list[str]:
    """Return what is wrong with values, one by one; `described` says what a parameter of a name is."""
    said = []
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in one["loc"])
        # A pattern says nothing to people; what the parameter is does.
        name = str(one["loc"][0]) if one["loc"] else ""
        hint = described(name).rstrip(".") if one["type"] == "string_pattern_mismatch" else ""
        said.append(f"{where}: {hint or one['msg']}".removeprefix(": "))
    return said


def sentence(error: ValidationError, described: Callable[[str], str]) -> str:
    """Return in one sentence what is wrong with values."""
    return "; ".join(problems(error, described)[:3]).rstrip(".") + "."
