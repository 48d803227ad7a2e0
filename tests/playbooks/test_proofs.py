from typing import Literal

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from ringfence.actions.catalogue import discover
from ringfence.errors import Conflict
from ringfence.playbooks import drafts, library, proofs, rules, trials
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.library import Release
from ringfence.playbooks.proof import Proof, StepProof
from ringfence.playbooks.publishing import Done, Publishing
from ringfence.playbooks.rules import Rules
from ringfence.playbooks.trials import Trial
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries
from ringfence.tables import service as tables

CUTS = example("cut: {action: containment.contain, with: {machine: x, reason: y, auto_release: 1 h}}", name="Cut")
LOOKS = example("look: {action: logic.set, with: {values: {}}}", name="Look")
PUBLISHING = Publishing(discover())
GOOD = Proof(steps=(StepProof(step="cut", action="containment.contain", proven=True, scene="s"),))
BAD = Proof(steps=(StepProof(step="cut", action="containment.contain", proven=False, scene="s", why="Never let go."),))


def _organization(database: Database, prove: Literal["off", "warn", "demand"]) -> str:
    organization = an_organization(database)
    database.run_now(lambda tx: rules.put(tx, organization, Rules(prove=prove), "adele"))
    return organization


def _publish(database: Database, organization: str, text: str = CUTS, unproven: str = "") -> Done:
    release = Release(unproven=unproven)
    return database.run_now(lambda tx: PUBLISHING.publish(tx, organization, text, "adele", release=release))


def _end(database: Database, trial: Trial | None, proof: Proof) -> None:
    assert trial is not None
    database.run_now(lambda tx: proofs.finish(tx, trial, proof))


def _proof(database: Database, done: Done) -> Trial | None:
    assert done.published is not None
    version_id = done.published.playbook.version_id
    return database.read_now(lambda tx: trials.proof_of_version(tx, version_id))


def _events(database: Database, organization: str) -> list[str]:
    query = (
        sa.select(audit_entries.c.event)
        .where(audit_entries.c.organization_id == organization)
        .order_by(audit_entries.c.number)
    )
    return [row["event"] for row in database.read_now(lambda tx: tx.all(query))]


def test_where_nothing_is_said_a_version_that_cuts_off_counts_at_once_and_is_tried_afterwards(
    embedded: Database,
) -> None:
    organization = an_organization(embedded)
    done = _publish(embedded, organization)
    trial = _proof(embedded, done)
    assert trial is not None
    assert (trial.open, trial.source) == (True, CUTS)
    _end(embedded, trial, BAD)
    again = _proof(embedded, _publish(embedded, organization))
    assert again is not None
    assert (again.id, again.proven, again.detail) == (trial.id, False, "cut: Never let go.")
    assert _proof(embedded, _publish(embedded, organization, LOOKS)) is None
    assert "playbook:proved" in _events(embedded, organization)


def test_where_it_is_switched_off_nothing_is_tried(embedded: Database) -> None:
    organization = _organization(embedded, "off")
    assert _proof(embedded, _publish(embedded, organization)) is None


def test_where_it_is_demanded_a_version_is_kept_as_a_draft_until_it_is_proven(embedded: Database) -> None:
    organization = _organization(embedded, "demand")
    asked = _publish(embedded, organization)
    assert (asked.published, asked.question) == (None, None)
    assert asked.trial is not None
    same = _publish(embedded, organization)
    assert same.trial is not None
    assert same.trial.id == asked.trial.id
    _end(embedded, asked.trial, GOOD)
    done = _publish(embedded, organization)
    trial = _proof(embedded, done)
    assert trial is not None
    assert (trial.id, trial.proven) == (asked.trial.id, True)
    shelf = embedded.read_now(lambda tx: drafts.find(tx, organization, "Cut"))
    assert shelf.revision is None
    assert _publish(embedded, organization, LOOKS).published is not None


def test_a_version_that_is_not_proven_is_published_only_with_a_reason_which_is_written_down(embedded: Database) -> None:
    organization = _organization(embedded, "demand")
    _end(embedded, _publish(embedded, organization).trial, BAD)
    with pytest.raises(Conflict, match="Never let go") as refused:
        _publish(embedded, organization)
    assert "say why" in refused.value.advice
    done = _publish(embedded, organization, unproven="The lab has no way out.")
    assert done.published is not None
    trial = _proof(embedded, done)
    assert trial is not None
    assert not trial.proven
    assert "playbook:published_unproven" in _events(embedded, organization)


def test_the_draft_of_a_person_goes_the_same_way(embedded: Database) -> None:
    organization = _organization(embedded, "demand")
    embedded.run_now(lambda tx: drafts.save(tx, organization, CUTS, "adele"))
    asked = embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Cut", "adele"))
    _end(embedded, asked.trial, GOOD)
    done = embedded.run_now(lambda tx: PUBLISHING.publish_draft(tx, organization, "Cut", "adele"))
    assert done.published is not None
    assert embedded.read_now(lambda tx: library.get(tx, organization, "Cut")).version == "1.0"


def test_a_proof_is_told_what_the_version_needs_and_no_secret_or_entry(embedded: Database) -> None:
    organization = an_organization(embedded)
    a_stored_account(embedded, organization, name="one")
    inner = "ringfence: 1\nkind: component\nname: Inner\nsteps:\n  a: {action: logic.set, with: {values: {}}}\n"
    _publish(embedded, organization, inner)
    calls = example("in: {action: playbook.call, with: {component: Inner}}", name="Outer")
    _publish(embedded, organization, calls)
    embedded.run_now(lambda tx: tables.make(tx, organization, "vips", "text", "", by="adele"))
    source = embedded.read_now(
        lambda tx: library.source_of(tx, organization, library.get(tx, organization, "Outer").version_id)
    )
    found = embedded.read_now(lambda tx: proofs.subject(tx, organization, source))
    assert [(each.name, each.version, each.source) for each in found.components] == [("Inner", "1.0", inner)]
    assert [(each.name, each.kind) for each in found.tables] == [("vips", "text")]
    assert set(found.services.values()) <= {"one"}
    trial = embedded.run_now(lambda tx: proofs.request(tx, organization, source, "Outer", "adele"))
    assert proofs.result_of(trial) is None
    embedded.run_now(lambda tx: proofs.finish(tx, trial, GOOD))
    assert proofs.result_of(embedded.read_now(lambda tx: trials.get(tx, organization, trial.id))) == GOOD
