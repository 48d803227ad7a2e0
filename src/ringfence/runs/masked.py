"""What the masks of playbooks hide in runs: the masked fields themselves, and their contents wherever else they stand."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from ringfence.playbooks import masks
from ringfence.playbooks.masks import Masks
from ringfence.storage import Transaction
from ringfence.storage.tables import playbook_versions, runs, step_runs


def masks_of(tx: Transaction, run_ids: Sequence[str]) -> dict[str, Mapping[str, Masks]]:
    """Return the masks of each run that has any, by step, as its own version of the playbook says."""
    query = (
        sa.select(runs.c.id, playbook_versions.c.source)
        .join(playbook_versions, playbook_versions.c.id == runs.c.playbook_version_id)
        .where(runs.c.id.in_(run_ids), playbook_versions.c.source.contains("mask"))
    )
    found = {row["id"]: masks.of_source(row["source"]) for row in tx.all(query)}
    return {run_id: of_steps for run_id, of_steps in found.items() if of_steps}


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
