"""The inputs of an action as a person gives them: `name=value`, values out of files, a whole file of them."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ringfence.actions import Action, Json
from ringfence.actions.given import demand
from ringfence.errors import Invalid
from ringfence.playbooks.bounded import plain

_LARGEST: Final = 1_048_576


def gather(action: Action, given: Sequence[str], file: Path | None) -> dict[str, Json]:
    """Return the inputs of an action, `name=value` before those of a file; Invalid, with every problem, if they do not fit.

    A value is the text itself where the action takes it, else JSON or YAML; `@FILE` is what a file holds, `@-` what stdin
    holds, and `@@` begins a text with an @.
    """
    inputs = _of_file(file) if file is not None else {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals:
            raise Invalid(f"{each!r} is no input.", advice="Write --with name=value.")
        inputs[name.strip()] = _value(action, name.strip(), _text(text))
    demand(action, inputs, advice=f"See what it takes: `ringfence action show {action.id}`.")
    return inputs


def _value(action: Action, name: str, text: str) -> Json:
    parameter = action.parameters.get(name)
    if parameter is None or parameter.fault(text) is None:
        return text
    try:
        return _plain(_yaml(text))
    except (YAMLError, ValueError):
        return text


def _text(text: str) -> str:
    if text.startswith("@@") or not text.startswith("@"):
        return text.removeprefix("@") if text.startswith("@@") else text
    if text == "@-":
        return sys.stdin.read(_LARGEST)
    return _read(Path(text[1:]))


def _read(path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LARGEST)
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else "it is not UTF-8 text"
        raise Invalid(f"{path} cannot be read: {said}.", advice="Name a text file that you may read.") from None


def _of_file(path: Path) -> dict[str, Json]:
    text = _read(path)
    try:
        found = _plain(json.loads(text) if path.suffix.lower() == ".json" else _yaml(text))
    except (YAMLError, ValueError, RecursionError) as error:
        where = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise Invalid(f"{path} is not JSON or YAML: {where}.", advice="Write `name: value`, a line for each.") from None
    if not isinstance(found, Mapping):
        raise Invalid(f"{path} does not hold inputs by name.", advice="Write `name: value`, a line for each.")
    return dict(found)


def _yaml(text: str) -> Any:
    return YAML(typ="safe", pure=True).load(text)


def _plain(value: Any) -> Json:
    # A date that YAML finds is the text that was written, as in a playbook.
    return plain(json.loads(json.dumps(value, default=str)))
