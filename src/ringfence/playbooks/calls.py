"""Which components a playbook calls, and what its steps do with those that they reach, at any depth. Pure."""

from collections.abc import Iterator, Mapping

from ringfence.playbooks.installation import Called
from ringfence.playbooks.masks import Masks
from ringfence.playbooks.model import ActionInfo, Catalogue, Playbook, Step

CALL = "playbook.call"

MAX_DEPTH = 5
"""How many levels of components a playbook calls at most."""


def called(step: Step) -> Called | None:
    """Return what a step calls, as it is written; None where it calls nothing that can be known before a run."""
    if step.action != CALL:
        return None
    name = step.with_.get("component", step.with_.get("playbook"))
    version = step.with_.get("version", "")
    return (name, str(version)) if isinstance(name, str) and "${" not in name else None


def calls(playbook: Playbook) -> Iterator[Called]:
    """Give what the steps of a playbook call."""
    for step in playbook.steps.values():
        found = called(step)
        if found is not None:
            yield found


def reached(
    playbook: Playbook, components: Mapping[Called, Playbook], catalogue: Catalogue
) -> Iterator[tuple[str, ActionInfo]]:
    """Give each step's name with each action that it carries out, its own or one of a component that it calls."""
    for name, step in playbook.steps.items():
        for action_id in _actions(step, components):
            action = catalogue.find(action_id)
            if action is not None:
                yield name, action


def masked(playbook: Playbook, components: Mapping[Called, Playbook], *, levels: int = MAX_DEPTH) -> dict[str, Masks]:
    """Return the masks of the steps that have any, those of components (`look/machine`) with them, as a run names them."""
    found: dict[str, Masks] = {}
    for name, step in playbook.steps.items():
        if step.mask:
            found[name] = Masks.of(step.mask)
        wanted = called(step)
        component = components.get(wanted) if wanted is not None and levels else None
        if component is not None:
            inner = masked(component, components, levels=levels - 1)
            found |= {f"{name}/{below}": masks for below, masks in inner.items()}
    return found


def _actions(step: Step, components: Mapping[Called, Playbook]) -> Iterator[str]:
    yield step.action
    seen: set[Called] = set()
    waiting = [called(step)]
    while waiting:
        wanted = waiting.pop()
        component = components.get(wanted) if wanted is not None else None
        if wanted is None or component is None or wanted in seen:
            continue
        seen.add(wanted)
        for inner in component.steps.values():
            yield inner.action
            waiting.append(called(inner))
