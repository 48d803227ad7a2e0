"""Whether a version must show that it lets go again, and what it has shown. Works inside the caller's transaction.

The rules of publishing say `warn` (every version that cuts hosts off is tried after it was published), `demand` (it is tried
before, and not published unless that succeeds, or somebody says why all the same) or `off`.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict
from ringfence.playbooks import rules, surroundings, trials
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Catalogue, Playbook
from ringfence.playbooks.proof import Component, Listed, Proof, Subject, holds
from ringfence.playbooks.trials import Kind, State, Trial
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, lookup_tables, trigger_services


def needed(tx: Transaction, organization_id: str, playbook: Playbook, catalogue: Catalogue) -> bool:
    """Say whether a playbook cuts hosts off, itself or through components, where the rules want to see it let go."""
    if rules.standing(tx, organization_id).rules.prove == "off":
        return False
    return holds(playbook, surroundings.components(tx, organization_id, playbook), catalogue)


def demanded(tx: Transaction, organization_id: str, source: str, playbook: Playbook, by: str) -> Trial | None:
    """Return the trial that must end before a text is published, asking for it if nobody has; None if it may be published.

    Conflict where it was tried, and is not proven. It is for texts for which `needed` holds.
    """
    if rules.standing(tx, organization_id).rules.prove != "demand":
        return None
    found = trials.proof_of_text(tx, organization_id, source)
    if found is None or found.state is State.FAILED:
        return request(tx, organization_id, source, playbook.name, by)
    if found.open:
        return found
    if not found.proven:
        raise Conflict(
            f"The release of {playbook.name!r} is not proven. {found.detail}",
            advice="Let it go again (`auto_release: 24 h`, or a release step), write a test that leads there, or say why it "
            "is to be published unproven.",
        )
    return None


def request(tx: Transaction, organization_id: str, source: str, playbook: str, by: str) -> Trial:
    """Ask for a proof of a text."""
    return trials.request(tx, organization_id, Kind.PROOF, playbook, source, by)


def follow(
    tx: Transaction, organization_id: str, version_id: str, source: str, playbook: str, by: str, why: str
) -> None:
    """Keep the proof of a text with the version that it became, and ask for one where there is none.

    `why` says why it was published unproven; that is written down.
    """
    found = trials.proof_of_text(tx, organization_id, source)
    if why:
        said = {
            "name": playbook,
            "version_id": version_id,
            "reason": why,
            "found": "" if found is None else found.detail,
        }
        log.write(tx, Event.PLAYBOOK_PUBLISHED_UNPROVEN, organization_id, version_id, details=said, actor=by)
    if found is not None and found.version_id is None and (found.open or found.state is State.DONE):
        trials.belongs(tx, found, version_id, why)
    elif found is None or found.version_id != version_id:
        options = {"reason": why} if why else {}
        trials.request(tx, organization_id, Kind.PROOF, playbook, source, by, version_id=version_id, options=options)


def subject(tx: Transaction, organization_id: str, source: str) -> Subject:
    """Return what a proof needs to know of a text and its organization; no secrets, and no data."""
    playbook = read(source).playbook
    found = surroundings.sources(tx, organization_id, playbook) if playbook is not None else {}
    listening = (
        sa.select(trigger_services.c.name, sa.func.coalesce(accounts.c.name, "").label("account"))
        .outerjoin(accounts, accounts.c.id == trigger_services.c.account_id)
        .where(trigger_services.c.organization_id == organization_id)
    )
    kept = sa.select(lookup_tables.c.name, lookup_tables.c.kind).where(
        lookup_tables.c.organization_id == organization_id
    )
    return Subject(
        source=source,
        components=tuple(Component(name=name, version=number, source=text) for (name, number), text in found.items()),
        services={row["name"]: row["account"] for row in tx.all(listening)},
        tables=tuple(Listed(name=row["name"], kind=row["kind"]) for row in tx.all(kept)),
    )


def result_of(trial: Trial | None) -> Proof | None:
    """Return what a trial found, None where it has not."""
    return None if trial is None or trial.result is None else Proof.model_validate(trial.result)


def finish(tx: Transaction, trial: Trial, proof: Proof) -> bool:
    """Keep what came of a proof; False if it is over already."""
    ended = trials.finish(tx, trial, result=proof.model_dump(mode="json"), proven=proof.proven, detail=proof.why)
    if ended:
        said: Mapping[str, Any] = {"name": trial.playbook, "version_id": trial.version_id, "proven": proof.proven}
        said = {**said, "sha256": trial.sha256, "why": proof.why}
        log.write(tx, Event.PLAYBOOK_PROVED, trial.organization_id, trial.id, details=said, actor=trial.requested_by)
    return ended
