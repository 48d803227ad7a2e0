"""What a component takes and gives back: typed inputs and outputs, and whether a value is of a type."""

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

Json: TypeAlias = JsonValue
ValueType: TypeAlias = Literal["string", "number", "boolean", "list", "object"]
MOST_VALUES: Final = 50
NAME: Final = r"^[A-Za-z_][A-Za-z0-9_]{0,63}$"

_SPOKEN: Final[Mapping[ValueType, str]] = {
    "string": "a text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "object": "an object",
}


def is_of(value: Json, kind: ValueType) -> bool:
    """Tell whether a JSON value is of a type; null is of none."""
    if isinstance(value, bool):
        return kind == "boolean"
    if isinstance(value, int | float):
        return kind == "number"
    return {"string": str, "list": list, "object": dict}.get(kind, _Nothing) is type(value)


def type_of(value: Json) -> str:
    """Name what a JSON value is, for people."""
    if value is None:
        return "null"
    return next(said for kind, said in _SPOKEN.items() if is_of(value, kind))


class _Nothing:
    """No JSON value is of this type."""


def _named(value: str) -> str:
    if not re.fullmatch(NAME, value):
        raise ValueError(
            f"{value[:70]!r} cannot be the name of an input or output. Use letters, digits and underscores, not starting "
            "with a digit, 64 at most."
        )
    return value


ValueName: TypeAlias = Annotated[str, AfterValidator(_named)]


class Input(BaseModel):
    """A value that a component is called with; one that is left out is its `default`, else null."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ValueType = Field(description="What the value is.")
    required: bool = Field(False, description="Whether every call must give it.")
    default: JsonValue = Field(None, description="What it is where a call leaves it out.")
    description: str = Field("", description="What it means, for those who call the component.")

    @model_validator(mode="after")
    def _default_fits(self) -> "Input":
        if self.default is not None and not is_of(self.default, self.type):
            raise ValueError(f"The default is {type_of(self.default)}, and the input is {_SPOKEN[self.type]}.")
        if self.required and self.default is not None:
            raise ValueError("An input that is required has no default. Leave out one of the two.")
        return self


class Output(BaseModel):
    """A value that a component gives back, from what its steps put out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: ValueType = Field(description="What the value is; it may also be null.")
    value: JsonValue = Field(description="Where it comes from, e.g. ${steps.machine.riskScore}.")
    description: str = Field("", description="What it means, for those who call the component.")


def faults(inputs: Mapping[str, Input], given: Mapping[str, Json]) -> list[tuple[str, str]]:
    """Say in a sentence each what is wrong with the values of a call: (name of the input, sentence)."""
    found: list[tuple[str, str]] = []
    for name, value in given.items():
        wanted = inputs.get(name)
        if wanted is None:
            found.append((name, f"There is no input {name[:60]!r}; there are: {', '.join(inputs) or 'none'}."))
        elif value is not None and not is_of(value, wanted.type):
            found.append((name, f"The input {name!r} is {_SPOKEN[wanted.type]}, not {type_of(value)}."))
    for name, wanted in inputs.items():
        if wanted.required and given.get(name) is None:
            found.append((name, f"The input {name!r} is required."))
    return found


def filled(inputs: Mapping[str, Input], given: Mapping[str, Json]) -> dict[str, Json]:
    """Give every input its value: what was given, else its default, else null."""
    return {name: given[name] if given.get(name) is not None else wanted.default for name, wanted in inputs.items()}


def unfit(name: str, output: Output, value: Json) -> str | None:
    """Say in a sentence why a value cannot be this output, or None."""
    if value is None or is_of(value, output.type):
        return None
    return f"The output {name!r} is {_SPOKEN[output.type]}, but its value came out as {type_of(value)}."
