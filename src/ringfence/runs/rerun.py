"""Do a run again: all of it, or from some steps on with what the earlier ones gave, by the same or the newest version.

Items of a loop are named with their number, from 1: `isolate[3]`. The other items are kept as they ended, and what follows
the loop is done again.

`look` says beforehand what would be done again; `begin` asks for the new run in the name of who wants it. What is kept is not
done again: the new run begins with its rows. What is done again is a new effect, with keys of its own.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.acting import actor
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import library, surroundings
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.playbooks.library import PlaybookState, StoredPlaybook
from ringfence.playbooks.model import Catalogue, Effect
from ringfence.playbooks.plan import Plan, PlanStep
from ringfence.playbooks.rounds import depth_of, path_of
from ringfence.playbooks.schedule import STOPS, StepStatus
from ringfence.runs import rows
from ringfence.runs.model import OPEN, RunStatus, StepRun
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import playbook_versions, run_alerts, runs, step_runs
from ringfence.triggers.identity import LONGEST, RunAs

LONGEST_KEY: Final = 200
_KEPT: Final = frozenset({StepStatus.SUCCEEDED, StepStatus.FAILED, StepStatus.SKIPPED})


@dataclass(frozen=True, slots=True)
class Part:
    """One step: how it ended in the earlier run (empty: not at all), and what kind of effect it has (empty: unknown now)."""

    name: str
    action: str
    status: str
    effect: str

    @property
    def outside(self) -> bool:
        """Whether doing it again changes something outside once more."""
        return self.effect in (Effect.WRITE, Effect.CONTAIN) and self.status in (
            StepStatus.SUCCEEDED,
            StepStatus.FAILED,
        )


@dataclass(frozen=True, slots=True)
class Rerun:
    """What a re-run would be: `again` is done, `kept` is taken over as it was recorded; `steps` is None for all of it."""

    run_id: str
    playbook: str
    playbook_id: str
    version: str
    version_id: str
    same_version: bool
    steps: tuple[str, ...] | None
    again: tuple[Part, ...]
    kept: tuple[Part, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Say it to the person who decides."""
        which = "the same version" if self.same_version else "the newest version"
        said = [f"{self.playbook} {self.version} ({which}) would do again: {_names(self.again) or 'nothing'}."]
        if self.kept:
            said.append(f"Kept as recorded, and not done again: {_names(self.kept)}.")
        twice = [part for part in self.again if part.outside]
        if twice:
            said.append(f"These changed something outside already and would do so once more: {_names(twice)}.")
        return tuple(said)


def _names(parts: Iterable[Part]) -> str:
    return ", ".join(f"{part.name} ({part.action})" for part in parts)


def look(
    tx: Transaction,
    organization_id: str,
    run_id: str,
    catalogue: Catalogue,
    *,
    steps: Sequence[str] = (),
    newest: bool = False,
) -> Rerun:
    """Say what a re-run from `steps` on, or of all without any, would do.

    NotFound where there is no such run, Conflict where it is still under way or its playbook starts nothing, Invalid for a step
    that the version does not have.
    """
    return _plan(tx, organization_id, run_id, catalogue, steps, newest=newest)[0]


def begin(
    tx: Transaction,
    organization_id: str,
    run_id: str,
    catalogue: Catalogue,
    *,
    by: str,
    steps: Sequence[str] = (),
    newest: bool = False,
    key: str | None = None,
) -> str:
    """Ask for the re-run and return its id; who asks twice with the same `key` gets the same one. Raises as `look` does."""
    rerun, carried = _plan(tx, organization_id, run_id, catalogue, steps, newest=newest)
    if key is not None and not (1 <= len(key) <= LONGEST_KEY and key.isprintable()):
        raise Invalid(
            "This cannot be an idempotency key.",
            advice=f"Use 1 to {LONGEST_KEY} characters that can be seen, e.g. a UUID.",
        )
    cause = f"rerun:{run_id}:{storable(key)}" if key is not None else f"rerun:{clock.new_id()}"
    before = tx.one(_of(rerun.playbook_id, cause))
    if before is not None:
        return str(before["id"])
    old = tx.one(sa.select(runs).where(runs.c.id == run_id))
    assert old is not None
    who = actor()
    made = rows.request(
        tx,
        organization_id=organization_id,
        playbook_id=rerun.playbook_id,
        playbook_version_id=rerun.version_id,
        cause_key=cause,
        trigger=old["trigger"],
        account_id=old["account_id"],
        alert_id=old["alert_id"],
        alert_version=old["alert_version"],
        more={
            "machine_id": old["machine_id"],
            "run_as": storable(by[:LONGEST]),
            "run_as_kind": RunAs.PERSON.value,
            "run_via": who.via.value,
            "run_credential": storable(who.credential[:LONGEST]),
            "rerun_of": run_id,
            "original_id": old["original_id"] or run_id,
            "rerun_from": None if rerun.steps is None else list(rerun.steps),
        },
    )
    _take_over(tx, run_id, made, carried)
    said = {"playbook": rerun.playbook, "version": rerun.version, "again_of": run_id, "from": rerun.steps}
    log.write(tx, Event.RUN_STARTED, organization_id, made, details=said, actor=by)
    return made


def _of(playbook_id: str, cause: str) -> sa.Select[Any]:
    return sa.select(runs.c.id).where(runs.c.playbook_id == playbook_id, runs.c.cause_key == cause)


def _take_over(tx: Transaction, old: str, made: str, carried: Sequence[StepRun]) -> None:
    if carried:
        tx.upsert(step_runs, [replace(step, run_id=made, state=None, wake_at=None).row() for step in carried])
    joined = tx.all(sa.select(run_alerts).where(run_alerts.c.run_id == old))
    tx.insert_new(run_alerts, [{**row, "run_id": made} for row in joined])


def _plan(
    tx: Transaction,
    organization_id: str,
    run_id: str,
    catalogue: Catalogue,
    steps: Sequence[str],
    *,
    newest: bool,
) -> tuple[Rerun, list[StepRun]]:
    old = tx.one(sa.select(runs).where(runs.c.id == run_id, runs.c.organization_id == organization_id))
    if old is None:
        raise NotFound("There is no such run.", advice="Look for it among the executions.")
    if RunStatus(old["status"]) in OPEN:
        raise Conflict("The run is still under way.", advice="Wait until it has ended, or cancel it.")
    playbook = library.get(tx, organization_id, old["playbook_id"])
    if playbook.state is not PlaybookState.ACTIVE:
        raise Conflict(
            f"The playbook {playbook.name!r} is {playbook.state}.",
            advice="Resume it first: `ringfence playbook resume`.",
        )
    version_id = playbook.version_id if newest else old["playbook_version_id"]
    plan = _compiled(tx, organization_id, version_id, catalogue)
    recorded = rows.every_step(tx, run_id)
    ended = {step.step: step for step in recorded if step.iteration == 0}
    plain, items = _items(steps)
    again = _again(plan, [*plain, *items], ended)
    # A loop that is done again for another reason is done again as a whole.
    whole = _again(plan, plain, ended) if plain or not items else _unended(plan, ended)
    items = {name: numbers for name, numbers in items.items() if name not in whole}
    every = plan.by_name
    effects = {step.name: step.effect for step in plan.every}

    def part(name: str) -> Part:
        effect = effects.get(name)
        status = ended[name].status.value if name in ended else ""
        return Part(name, every[name].action, status, effect.value if effect else "")

    inside = {name: step.name for step in plan.steps if step.body is not None for name in _within(step)}
    carried = [
        step
        for step in recorded
        if (inside.get(step.step, step.step) if step.iteration else step.step) in every
        and (inside.get(step.step, step.step) if step.iteration else step.step) not in again
    ]
    for name, numbers in items.items():
        carried += _without(name, numbers, every[name], recorded)
    positions = {step.name: number for number, step in enumerate(plan.every)}
    carried = [replace(step, position=positions.get(step.step, step.position)) for step in carried]
    rerun = Rerun(
        run_id=run_id,
        playbook=playbook.name,
        playbook_id=playbook.id,
        version=_version(tx, version_id, playbook),
        version_id=version_id,
        same_version=version_id == old["playbook_version_id"],
        steps=tuple(steps) or None,
        again=tuple(
            each
            for step in plan.steps
            if step.name in again
            for each in (_parts(step.name, items, recorded, catalogue) if step.name in items else (part(step.name),))
        ),
        kept=tuple(part(step.name) for step in plan.steps if step.name not in again),
    )
    return rerun, carried


def _items(steps: Sequence[str]) -> tuple[list[str], dict[str, frozenset[int]]]:
    """Take the names of steps apart from those of items of loops; returns the items by their loops."""
    plain: list[str] = []
    items: dict[str, frozenset[int]] = {}
    for step in steps:
        found = _ITEM.fullmatch(step)
        if found is None:
            plain.append(step)
        else:
            items[found[1]] = items.get(found[1], frozenset()) | {int(found[2])}
    return plain, items


_ITEM: Final = re.compile(r"(.{1,200})\[([1-9][0-9]{0,5})\]")


def _within(step: PlanStep) -> set[str]:
    """Name all steps of a loop or a call, also those in further ones in there."""
    return {each.name for each in step.body.every} if step.body is not None else set()


def _without(name: str, numbers: frozenset[int], loop: PlanStep, recorded: Sequence[StepRun]) -> list[StepRun]:
    """Return the rows of a loop that goes on: all but those of some items, and of items that were cut off."""
    row = next((step for step in recorded if step.step == name and step.iteration == 0), None)
    given = row.input.get("items") if row is not None and isinstance(row.input, dict) else None
    if loop.loop is None or row is None or not isinstance(given, list):
        raise Invalid(f"{name[:60]} went over no items.", advice=f"Name the step alone: {name[:60]}.")
    if too_far := [number for number in numbers if number > len(given)]:
        raise Invalid(f"{name[:60]} has no item {too_far[0]}.", advice=f"Items are counted from 1 to {len(given)}.")
    body = _within(loop)
    mine = [step for step in recorded if step.iteration and step.step in body]
    # What is in loops and calls within an item ended as these did.
    left_out = numbers | {step.iteration for step in mine if depth_of(step.iteration) == 1 and not _lasts(step)}
    open_ = replace(
        row,
        status=StepStatus.STARTED,
        outcome=None,
        output=None,
        error="",
        error_code="",
        permanent=None,
        finished_at=None,
    )
    return [open_, *(step for step in mine if path_of(step.iteration)[0] not in left_out)]


def _parts(
    name: str, items: dict[str, frozenset[int]], recorded: Sequence[StepRun], catalogue: Catalogue
) -> Iterator[Part]:
    ended = {step.iteration: step for step in recorded if step.step == name}
    for number in sorted(items[name]):
        action = ended[0].action
        found, info = ended.get(number), catalogue.find(action)
        status = found.status.value if found is not None else ""
        yield Part(f"{name}[{number}]", action, status, info.effect.value if info is not None else "")


def _again(plan: Plan, steps: Sequence[str], ended: dict[str, StepRun]) -> set[str]:
    """Return the steps that are done: those asked for, all that follow them, and what the earlier run did not end."""
    known = plan.by_name
    if not steps:
        return set(known)
    if unknown := [name for name in steps if name not in known]:
        raise Invalid(
            f"There is no step {unknown[0][:60]!r} to begin with in this version.",
            advice=f"There are: {', '.join(known)}.",
        )
    after: dict[str, list[str]] = {name: [] for name in known}
    for step in plan.steps:
        for edge in (*step.after, *step.rescues):
            after[edge.step].append(step.name)
    waiting = [*steps]
    # A step that another version does differently gives something else.
    waiting += [name for name, step in known.items() if name in ended and ended[name].action != step.action]
    again = _unended(plan, ended)
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += after[name]
    return again | seen


def _unended(plan: Plan, ended: dict[str, StepRun]) -> set[str]:
    """Return the steps that the earlier run did not come to the end of."""
    return {name for name in plan.by_name if name not in ended or not _lasts(ended[name])}


def _lasts(step: StepRun) -> bool:
    """Tell whether a step came to an end of its own, and not because the run was ended, nor ended the run itself."""
    cut = step.status is StepStatus.SKIPPED and bool(step.error)
    return step.status in _KEPT and not cut and step.outcome not in STOPS


def _compiled(tx: Transaction, organization_id: str, version_id: str, catalogue: Catalogue) -> Plan:
    source = tx.scalar(sa.select(playbook_versions.c.source).where(playbook_versions.c.id == version_id))
    playbook = read(source or "").playbook
    if playbook is None:
        raise Invalid(
            "This version of the playbook cannot be read by this release.", advice="Take the newest version instead."
        )
    return compile_whole(playbook, catalogue, surroundings.components(tx, organization_id, playbook))


def _version(tx: Transaction, version_id: str, playbook: StoredPlaybook) -> str:
    if version_id == playbook.version_id:
        return playbook.version
    row = tx.one(
        sa.select(playbook_versions.c.major, playbook_versions.c.minor).where(playbook_versions.c.id == version_id)
    )
    assert row is not None
    return f"{row['major']}.{row['minor']}"
