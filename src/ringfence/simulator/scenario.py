"""Read a scenario from a file or from those that are shipped, with errors that name the place."""

from importlib import resources
from io import StringIO
from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ringfence.simulator import aims
from ringfence.simulator.specs import Scenario


class ScenarioError(ValueError):
    """A scenario cannot be read; the message names file, line and what to do."""


def shipped() -> list[str]:
    """List the names of the shipped scenarios."""
    folder = resources.files("ringfence.simulator") / "scenarios"
    return sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml"))


def load(name_or_path: str | Path) -> Scenario:
    """Load a scenario by the name of a shipped one or by its file. Raises ScenarioError."""
    name = str(name_or_path)
    if name in shipped():
        text = (resources.files("ringfence.simulator") / "scenarios" / f"{name}.yaml").read_text("utf-8")
        return parse(text, f"{name}.yaml")
    path = Path(name_or_path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        raise ScenarioError(
            f"There is no scenario {name!r}. Give the path of a YAML file or one of: {', '.join(shipped())}."
        ) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise ScenarioError(f"{path} cannot be read: {problem}. Give a UTF-8 YAML file.") from problem
    return parse(text, str(path))


def parse(text: str, source: str) -> Scenario:
    """Parse the text of a scenario; `source` names it in errors. Raises ScenarioError."""
    try:
        data = YAML(typ="safe", pure=True).load(StringIO(text))
    except MarkedYAMLError as problem:
        line = problem.problem_mark.line + 1 if problem.problem_mark else 1
        raise ScenarioError(f"{source}:{line}: not valid YAML: {problem.problem}. Correct this line.") from problem
    except YAMLError as problem:
        raise ScenarioError(f"{source}:1: not valid YAML: {problem}. Correct the file.") from problem
    try:
        scenario = Scenario.model_validate(data)
    except ValidationError as problem:
        lines = [_explain(text, source, error["loc"], error["msg"]) for error in problem.errors()[:10]]
        raise ScenarioError("\n".join(lines)) from problem
    for number, fault in enumerate(scenario.faults):
        mistake = aims.mistake(fault.operation)
        if mistake is not None:
            raise ScenarioError(_explain(text, source, ("faults", number, "operation"), mistake))
    return scenario


def _explain(text: str, source: str, place: tuple[int | str, ...], message: str) -> str:
    where = (
        "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".") or "the top level"
    )
    return f"{source}:{_line(text, place)}: {where}: {message.removeprefix('Value error, ')}. Correct this entry."


def _line(text: str, place: tuple[int | str, ...]) -> int:
    node = YAML(typ="rt", pure=True).load(StringIO(text))
    line = 0
    for part in place:
        marks = getattr(node, "lc", None)
        if marks is None or not marks.data or part not in marks.data:
            break
        line = marks.data[part][0]
        node = node[part]
    return line + 1
