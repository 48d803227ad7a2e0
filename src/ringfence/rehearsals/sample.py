"""What expressions of a playbook would see: the trigger on a stored alert or a kept input, and what steps gave lately.

Nothing that Ringfence knows as a secret, and nothing that a playbook masks, is in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ringfence.organizations.model import Organization
from ringfence.playbooks.model import Json, Playbook
from ringfence.rehearsals.desk import Wish, subject
from ringfence.runs import detail, history, known_secrets
from ringfence.runs.context import document_of, trigger_of
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction

RUNS: Final = 5
"""In so many of the latest runs is looked for what a step gave."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A run document to try expressions on: `on` says of what, `runs` from how many runs the outputs of steps are."""

    document: dict[str, Json]
    on: str
    runs: int = 0


@dataclass(slots=True)
class _Given:
    outputs: dict[str, Json] = field(default_factory=dict)
    runs: int = 0


def sample(
    tx: Transaction, vault: Vault, organization: Organization, playbook: Playbook, playbook_id: str, wish: Wish
) -> Sample:
    """Give the document for an alert, a profile or a document; NotFound or Invalid as with a dry run."""
    asked = subject(tx, organization, playbook, wish)
    hide = known_secrets.hider(tx, vault, organization.id)
    given = _latest(tx, vault, organization.id, playbook_id)
    whole: Any = document_of(asked.run, trigger_of(asked.run), {})
    document = hide.value(whole)
    assert isinstance(document, dict)
    document["steps"] = given.outputs
    return Sample(document, asked.on, given.runs)


def _latest(tx: Transaction, vault: Vault, organization_id: str, playbook_id: str) -> _Given:
    given = _Given()
    of_it = history.Filters(playbook=playbook_id)
    for row in history.listing(tx, organization_id, vault, of_it, limit=RUNS).rows:
        found = detail.get(tx, organization_id, row.id, vault)
        # What a loop gave is not what any one item of it did.
        outputs = {each.step: each.output for each in found.steps if each.output is not None and not each.iteration}
        given.outputs = outputs | given.outputs
        given.runs += bool(outputs)
    return given


def with_outputs(found: Sample, outputs: Mapping[str, Json]) -> dict[str, Json]:
    """Give the document with what a rehearsal has just given put over what runs gave."""
    steps = found.document["steps"]
    known = dict(steps) if isinstance(steps, dict) else {}
    return {**found.document, "steps": known | dict(outputs)}
