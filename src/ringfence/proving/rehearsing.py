"""Play a playbook once, from a start that a person chose: what each step was given, what it gave, and how it ended."""

import tempfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from ringfence.errors import RingfenceError
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.playing import Played, PlayedStep, Playing
from ringfence.proving.play import Play
from ringfence.proving.scenes import Scene, begun_with
from ringfence.proving.stage import Stage, a_stage, pretended
from ringfence.storage import Transaction
from ringfence.storage.tables import runs, step_runs

MOST_STEPS: Final = 1_000
_NEVER: Final = ("pending",)


async def rehearse(playing: Playing, empty: Path) -> Played:
    """Play it; what cannot be played is said in `fault`. The clock of this process is the simulator's meanwhile.

    `empty` is the empty installation that `stage.prepared` made, of which this one is a copy.
    """
    playbook = read(playing.subject.source).playbook
    if playbook is None:
        return Played(fault="This release cannot read the playbook.")
    machine = pretended()
    scene = begun_with(playbook, playing.document, machine.id, machine.name)
    try:
        with tempfile.TemporaryDirectory(prefix="ringfence-play-") as folder:
            return await _play(empty, Path(folder), playing, playbook, scene)
    except RingfenceError as unusable:
        return Played(fault=str(unusable))


async def _play(empty: Path, folder: Path, playing: Playing, playbook: Playbook, scene: Scene) -> Played:
    async with a_stage(empty, folder / "played", playing.subject, playbook) as stage:
        played = await Play(stage, playbook, scene).play(playing.subject)
        notes = (*played.notes, *((played.unfinished,) if played.unfinished else ()))
        return stage.app.database.read_now(lambda tx: _look(tx, stage, notes))


def _look(tx: Transaction, stage: Stage, notes: tuple[str, ...]) -> Played:
    run = tx.one(sa.select(runs).order_by(runs.c.requested_at, runs.c.id).limit(1))
    if run is None:
        return Played(fault="Nothing was started.", notes=notes)
    begun: datetime = run["started_at"] or run["requested_at"]
    query = sa.select(step_runs).where(step_runs.c.run_id == run["id"], step_runs.c.status.not_in(_NEVER))
    rows = tx.all(query.order_by(step_runs.c.position, step_runs.c.step, step_runs.c.iteration).limit(MOST_STEPS))
    return Played(
        status=run["status"],
        error=run["error"],
        steps=tuple(_step(row, begun) for row in rows),
        notes=notes,
        lasted=round(stage.simulator.clock.now() - begun.timestamp(), 1),
        machine=stage.machine.name,
    )


def _step(row: Mapping[Any, Any], begun: datetime) -> PlayedStep:
    started, finished = row["started_at"], row["finished_at"]
    return PlayedStep(
        step=row["step"],
        iteration=row["iteration"],
        action=row["action"],
        status=row["status"],
        outcome=row["outcome"],
        input=row["input"],
        output=row["output"],
        error=row["error"],
        after=None if started is None else round((started - begun).total_seconds(), 3),
        took=None if started is None or finished is None else round((finished - started).total_seconds(), 3),
    )
