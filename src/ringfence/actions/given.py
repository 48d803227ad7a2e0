"""Whether inputs that a person gives fit an action: each problem in words, with what was perhaps meant. Pure."""

import difflib
from collections.abc import Mapping

from ringfence.actions.base import Action, Json
from ringfence.errors import Invalid


def demand(action: Action, inputs: Mapping[str, Json], *, advice: str) -> None:
    """Raise Invalid, with every problem, unless the inputs fit; `advice` says where to see what the action takes."""
    problems = [problem for name, value in inputs.items() if (problem := _problem(action, name, value))]
    missing = [each.name for each in action.parameters.values() if each.required and each.name not in inputs]
    problems += [f"{name} is missing: {action.parameters[name].description}" for name in missing]
    if problems:
        raise Invalid(f"The inputs of {action.id} do not fit.", advice=advice, problems=tuple(problems))


def _problem(action: Action, name: str, value: Json) -> str | None:
    parameter = action.parameters.get(name)
    if parameter is None:
        near = difflib.get_close_matches(name, action.parameters, n=1)
        known = ", ".join(action.parameters) or "none"
        return f"{name[:100]} is no input of it." + (f" Did you mean {near[0]}?" if near else f" It takes: {known}.")
    fault = None if value is None and not parameter.required else parameter.fault(value)
    return f"{name}: {fault}" if fault else None
