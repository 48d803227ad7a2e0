"""Starting by hand: which playbooks a person may start on what, and whether what they give fits. Pure."""

from collections.abc import Mapping
from typing import Final

from ringfence.errors import Invalid
from ringfence.playbooks.model import AnyTrigger, DefenderAlertTrigger
from ringfence.playbooks.triggers import ManualTrigger, NoTrigger
from ringfence.triggers.base import Declaration

DECLARATION: Final = Declaration(
    type="manual",
    title="By hand",
    description="Starts when a person asks for it, on an alert, on a machine, on an incident, or on nothing.",
)
LONGEST_INPUT: Final = 10_000


def allowed_on(trigger: AnyTrigger) -> tuple[str, ...]:
    """Return what a person may start the playbook on: `alert`, `machine`, `incident` or `nothing`; empty if they may not at all.

    A playbook that waits for Defender's alerts may be started on one by hand too.
    """
    if isinstance(trigger, NoTrigger):
        return ()
    if isinstance(trigger, ManualTrigger):
        return trigger.on or ("nothing",)
    return ("alert",) if isinstance(trigger, DefenderAlertTrigger) else ()


def demand(trigger: AnyTrigger, name: str, subject: str) -> None:
    """Raise Invalid where the playbook may not be started by hand on a subject (`alert`, `machine`, `incident` or `nothing`)."""
    allowed = allowed_on(trigger)
    if subject in allowed:
        return
    if isinstance(trigger, NoTrigger):
        advice = "Start a playbook that calls it by `playbook.call`."
        raise Invalid(f"{name!r} is a component: it is called, not started.", advice=advice)
    if not allowed:
        raise Invalid(
            f"The playbook {name!r} is not started by hand: its trigger is {trigger.type}.",
            advice="Give it `trigger: {type: manual}`, or start another one.",
        )
    if "nothing" in allowed:
        raise Invalid(f"The playbook {name!r} is started on nothing, and not on the {subject}.", advice="Leave it out.")
    wanted = " or ".join(f"on {'a' if each == 'machine' else 'an'} {each}" for each in allowed)
    other = "" if subject == "nothing" else f", not on the {subject}"
    raise Invalid(f"The playbook {name!r} is started {wanted}{other}.", advice=f"Name the {' or the '.join(allowed)}.")


def read_inputs(trigger: AnyTrigger, given: Mapping[str, str]) -> dict[str, str]:
    """Return the inputs with their defaults; Invalid, with a sentence for each mistake, if they do not fit."""
    known = trigger.inputs if isinstance(trigger, ManualTrigger) else {}
    problems = [
        f"There is no input {name[:60]!r}; there are: {', '.join(known) or 'none'}."
        for name in given
        if name not in known
    ]
    problems += [
        f"The input {name!r} is missing{f': {each.description}' if each.description else ''}."
        for name, each in known.items()
        if each.required and not given.get(name, each.default).strip()
    ]
    problems += [
        f"The input {name!r} has {len(value)} characters; {LONGEST_INPUT} are the most."
        for name, value in given.items()
        if name in known and len(value) > LONGEST_INPUT
    ]
    if problems:
        raise Invalid(
            "The playbook cannot be started with these inputs.",
            advice="Correct what `problems` says and start again.",
            problems=tuple(problems),
        )
    return {name: given.get(name, each.default) for name, each in known.items()}
