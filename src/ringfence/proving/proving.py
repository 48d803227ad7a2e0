"""Prove the release of a version: play scenes until every step that cuts a host off was seen to let it go again."""

import tempfile
from collections import deque
from pathlib import Path
from typing import Final

from ringfence.actions.catalogue import Catalogue, discover
from ringfence.errors import RingfenceError
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Called
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.plan import Plan
from ringfence.playbooks.proof import Proof, StepProof, Subject, cutting
from ringfence.proving.play import Play, Played
from ringfence.proving.scenes import Scene, scenes
from ringfence.proving.stage import a_stage, prepared, pretended
from ringfence.proving.verdict import better, judge

MOST_SCENES: Final = 20


async def prove(subject: Subject) -> Proof:
    """Prove a version; what cannot be played is said in `error`. The clock of this process is the simulator's meanwhile."""
    playbook = read(subject.source).playbook
    if playbook is None:
        return Proof(error="This release cannot read the playbook.")
    catalogue = discover()
    try:
        plan = compile_whole(playbook, catalogue, _components(subject))
        targets = _targets(plan, catalogue)
        return await _prove(subject, playbook, plan, targets) if targets else Proof()
    except RingfenceError as unusable:
        return Proof(error=str(unusable))


async def _prove(subject: Subject, playbook: Playbook, plan: Plan, targets: dict[str, tuple[str, str]]) -> Proof:
    found: dict[str, StepProof] = {}
    machine = pretended()
    waiting: deque[tuple[Scene, tuple[str, ...]]] = deque(
        (scene, tuple(targets)) for scene in scenes(playbook, machine.id, machine.name)
    )
    with tempfile.TemporaryDirectory(prefix="ringfence-proof-") as folder:
        empty = prepared(Path(folder) / "empty")
        for number in range(MOST_SCENES):
            if not waiting:
                break
            scene, wanted = waiting.popleft()
            missing = [step for step in wanted if step not in found or not found[step].proven]
            if not missing:
                continue
            played = await _play(empty, Path(folder) / str(number), subject, playbook, scene)
            for step in missing:
                found[step] = better(found.get(step), judge(step, *targets[step], plan, played))
                # The way is held open last: what leads there by itself proves more.
                opened = scene.held_open(plan, step) if not played.reached(step) else None
                if opened is not None:
                    waiting.append((opened, (step,)))
    return Proof(steps=tuple(found[step] for step in targets if step in found))


async def _play(empty: Path, folder: Path, subject: Subject, playbook: Playbook, scene: Scene) -> Played:
    async with a_stage(empty, folder, subject, playbook) as stage:
        return await Play(stage, playbook, scene).play(subject)


def _components(subject: Subject) -> dict[Called, Playbook]:
    found = {(each.name, each.version): read(each.source).playbook for each in subject.components}
    return {called: component for called, component in found.items() if component is not None}


def _targets(plan: Plan, catalogue: Catalogue) -> dict[str, tuple[str, str]]:
    """Return the steps that cut a host off, with their action and the one that takes it back."""
    actions = {step.name: action for step in plan.every if (action := catalogue.find(step.action)) is not None}
    cut = cutting({name: (action.effect, tuple(action.parameters)) for name, action in actions.items()})
    return {name: (actions[name].id, actions[name].undo or "") for name in cut}
