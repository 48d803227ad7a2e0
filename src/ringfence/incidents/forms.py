"""Forms on tasks: typed fields, and what people filled in. Pure.

A form is a mapping of names to fields, in the order in which people see them. What was filled in is checked against it
once, where it comes in, whether it came from a page (all of it text) or from the API (typed).
"""

import math
import re
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, model_validator

from ringfence.errors import Invalid

MOST_FIELDS: Final = 30
MOST_CHOICES: Final = 100
LONGEST_ANSWER: Final = 10_000

Words: TypeAlias = Annotated[str, StringConstraints(max_length=500)]
Choice: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Answers: TypeAlias = dict[str, JsonValue]


class FormField(BaseModel):
    """One field of a form; `label` is what people see, its name where there is none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["text", "choice", "number", "boolean", "date"] = Field(description="What people fill in.")
    label: Words = Field("", description="What people see in front of it.")
    help: Words = Field("", description="A sentence that helps to fill it in.")
    required: bool = Field(False, description="Whether the form cannot be sent without it.")
    choices: tuple[Choice, ...] = Field((), max_length=MOST_CHOICES, description="What a choice is made from.")
    lines: int = Field(1, ge=1, le=20, description="How many lines a field for text shows.")
    least: float | None = Field(None, description="The smallest number.")
    most: float | None = Field(None, description="The largest number.")

    @model_validator(mode="after")
    def _of_its_type(self) -> "FormField":
        given = self.model_fields_set
        for key, kind in (("choices", "choice"), ("lines", "text"), ("least", "number"), ("most", "number")):
            if key in given and self.type != kind:
                raise ValueError(f"Only a field of type {kind} has `{key}`.")
        if self.type == "choice" and (not self.choices or len(set(self.choices)) < len(self.choices)):
            raise ValueError("A choice needs `choices`, each of them once.")
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("`least` is more than `most`.")
        return self


def _named(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", value):
        raise ValueError(
            f"{value[:70]!r} cannot be a field's name. Use letters, digits and underscores, not starting with a digit."
        )
    return value


FieldName: TypeAlias = Annotated[str, AfterValidator(_named)]
Form: TypeAlias = dict[FieldName, FormField]


def read(form: Mapping[str, FormField], given: Mapping[str, Any]) -> Answers:
    """Return what was filled in, typed and with null for what was left out; Invalid, with each mistake, if it does not fit."""
    problems = [
        f"There is no field {name[:60]!r}; there are: {', '.join(form) or 'none'}."
        for name in given
        if name not in form
    ]
    answers: Answers = {}
    for name, field in form.items():
        value = given.get(name)
        if isinstance(value, str) and not value.strip():
            value = None
        if value is None:
            answers[name] = None
            if field.required:
                problems.append(f"{shown(name, field)}: this is needed.")
            continue
        try:
            answers[name] = _READ[field.type](field, value)
        except ValueError as error:
            problems.append(f"{shown(name, field)}: {error}")
    if problems:
        raise Invalid(" ".join(problems), advice="Correct it and send the form again.", problems=tuple(problems))
    return answers


def shown(name: str, field: FormField) -> str:
    """Return what people call a field."""
    return field.label or name.replace("_", " ").capitalize()


def _text(_field: FormField, value: object) -> JsonValue:
    if not isinstance(value, str):
        raise ValueError("write a text.")
    if len(value) > LONGEST_ANSWER:
        raise ValueError(f"{LONGEST_ANSWER} characters are the most.")
    return value.strip()


def _choice(field: FormField, value: object) -> JsonValue:
    if value not in field.choices:
        raise ValueError(f"choose one of {', '.join(field.choices)}.")
    return str(value)


def _number(field: FormField, value: object) -> JsonValue:
    found: int | float
    if isinstance(value, str):
        if not re.fullmatch(r"[+-]?[0-9]{1,15}([.,][0-9]{1,15})?", value.strip()):
            raise ValueError("write a number.")
        plain = value.strip().replace(",", ".")
        found = float(plain) if "." in plain else int(plain)
    elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        found = value
    else:
        raise ValueError("write a number.")
    if field.least is not None and found < field.least:
        raise ValueError(f"{field.least:g} is the least.")
    if field.most is not None and found > field.most:
        raise ValueError(f"{field.most:g} is the most.")
    return found


def _boolean(_field: FormField, value: object) -> JsonValue:
    if isinstance(value, bool):
        return value
    plain = value.strip().lower() if isinstance(value, str) else ""
    if plain not in ("yes", "true", "no", "false"):
        raise ValueError("say yes or no.")
    return plain in ("yes", "true")


def _date(_field: FormField, value: object) -> JsonValue:
    try:
        if isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value.strip()):
            return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        pass
    raise ValueError("write a date such as 2026-03-02.")


_READ: Final = {"text": _text, "choice": _choice, "number": _number, "boolean": _boolean, "date": _date}
