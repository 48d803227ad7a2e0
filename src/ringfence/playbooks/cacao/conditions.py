"""Conditions and variables of CACAO in our words, where both sides know what is meant; else a person is asked.

Understood is one comparison of one variable with a text: `__name__:value = 'text'`. What a foreign document says is data:
`${` in it is written so that it never becomes an expression.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.playbooks.cacao.rules import Variable

_COMPARED: Final = re.compile(r"\s*\[?\s*(__[^:\s]{1,210}__):value\s*(=|==|!=)\s*'((?:[^'\\]|\\.)*)'\s*\]?\s*\Z")
_USED: Final = re.compile(r"(__[a-zA-Z_][a-zA-Z0-9_-]{0,199}__):value")
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z")


@dataclass(frozen=True, slots=True)
class Compared:
    """A variable that is compared with a text; `equal` says whether it must be the same."""

    variable: str
    value: str
    equal: bool


def compared(condition: str) -> Compared | None:
    """Read a condition, None where it says more than one comparison."""
    found = _COMPARED.match(condition)
    if found is None:
        return None
    return Compared(found[1], re.sub(r"\\(.)", r"\1", found[3]), found[2] != "!=")


def variable_of(switch: str) -> str | None:
    """Give the variable that a switch looks at, None where it is no variable."""
    found = _USED.fullmatch(switch.strip())
    return found[1] if found is not None else None


def plain_name(variable: str) -> str | None:
    """Give a variable's name without its underscores, None where it cannot be a name of ours."""
    name = variable[2:-2]
    return name if _PLAIN.match(name) else None


def places(variables: Mapping[str, Variable]) -> dict[str, str]:
    """Say by which expression a run sees each variable whose value is known before the run: those given, and constants."""
    found: dict[str, str] = {}
    for name, variable in variables.items():
        plain = plain_name(name)
        if plain is None:
            continue
        if variable.external:
            found[name] = f"trigger.input.{plain}"
        elif variable.constant and isinstance(variable.value, str):
            found[name] = f"steps.variables.{plain}"
    return found


def comparison(place: str, value: str, *, equal: bool = True) -> str:
    """Write a comparison as JMESPath."""
    # As JSON between backticks, in which only the backtick itself would end it.
    literal = json.dumps(value).replace("`", "\\u0060")
    return f"{place} {'==' if equal else '!='} `{literal}`"


def said(text: str, known: Mapping[str, str]) -> str:
    """Give a foreign text as a value of ours: as it stands, with the variables that are known looked up."""
    made, at = "", 0
    for found in _USED.finditer(text):
        place = known.get(found[1])
        if place is None:
            continue
        made += escaped(text[at : found.start()])
        # A dollar right before ours would turn the expression into text.
        made += f"{' ' if made.endswith('$') else ''}${{{place}}}"
        at = found.end()
    return made + escaped(text[at:])


def escaped(text: str) -> str:
    """Write a text so that no `${` in it is an expression."""
    return text.replace("${", "$${")
