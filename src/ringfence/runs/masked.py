"""What the masks of playbooks hide in runs: the masked fields themselves, and their contents wherever else they stand."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

import sqlalchemy as sa

from ringfence.playbooks import masks, surroundings
from ringfence.playbooks.calls import CALL, calls, masked
from ringfence.playbooks.document import read
from ringfence.playbooks.masks import Masks
from ringfence.playbooks.model import Playbook
from ringfence.storage import Transaction
from ringfence.storage.tables import playbook_versions, runs, step_runs


def masks_of(tx: Transaction, run_ids: Sequence[str]) -> dict[str, Mapping[str, Masks]]:
    """Return the masks of each run that has any, by step, as its own version of the playbook and its components say."""
    query = (
        sa.select(runs.c.id, runs.c.organization_id, playbook_versions.c.source)
        .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
        .where(runs.c.id.in_(run_ids))
        .where(playbook_versions.c.source.contains("mask") | playbook_versions.c.source.contains(CALL))
    )
    read_before: dict[tuple[str, str], Mapping[str, Masks]] = {}
    found: dict[str, Mapping[str, Masks]] = {}
    for row in tx.all(query):
        version = (row["organization_id"], row["source"])
        if version not in read_before:
            read_before[version] = _masks(tx, *version)
        if read_before[version]:
            found[row["id"]] = read_before[version]
    return found


def _masks(tx: Transaction, organization_id: str, source: str) -> Mapping[str, Masks]:
    playbook = _read(source)
    if playbook is None:
        return {}
    called = surroundings.components(tx, organization_id, playbook) if any(calls(playbook)) else {}
    return masked(playbook, called)


@lru_cache(maxsize=256)
def _read(source: str) -> Playbook | None:
    return read(source).playbook


def masked_texts(
    tx: Transaction, run_ids: Sequence[str], known: Mapping[str, Mapping[str, Masks]] | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the texts in the masked fields of each run that has any; `known` are the masks if they were read already."""
    found: dict[str, tuple[str, ...]] = {}
    for run_id, of_steps in (masks_of(tx, run_ids) if known is None else known).items():
        rows = tx.all(
            sa.select(step_runs.c.step, step_runs.c.input, step_runs.c.output).where(
                step_runs.c.run_id == run_id, step_runs.c.step.in_(list(of_steps))
            )
        )
        held = {
            text for row in rows for side in masks.SIDES for text in of_steps[row["step"]].apply(row[side], side)[1]
        }
        found[run_id] = tuple(sorted(held, key=lambda text: (-len(text), text)))
    return found
