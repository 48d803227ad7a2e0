"""A playbook rehearsed in the simulator: on what a person chose, every step carried out, and nothing real touched.

A worker lets a process of its own play it (see `prover`); what comes back is shown as a dry run is, without what is masked.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.actions.catalogue import Catalogue
from ringfence.organizations.model import Organization
from ringfence.playbooks import proofs, surroundings, trials
from ringfence.playbooks.calls import calls, masked
from ringfence.playbooks.document import read
from ringfence.playbooks.masks import Masks
from ringfence.playbooks.model import Playbook
from ringfence.playbooks.playing import Played, PlayedStep, Playing
from ringfence.playbooks.trials import Kind, Trial
from ringfence.rehearsals.desk import Wish, made_ready, subject
from ringfence.rehearsals.hiding import hidden
from ringfence.rehearsals.report import How, Report, StepReport
from ringfence.runs import known_secrets
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction

_ENDS: Final = ("succeeded", "failed", "skipped")


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What came of it: on what, the run step by step, what was not as in a real run, and on which simulated host.

    `lasted` is how many seconds of played time went by until the last host was let go.
    """

    on: str
    starts: bool | None
    why: str
    report: Report
    notes: tuple[str, ...]
    machine: str
    lasted: float


def ask(tx: Transaction, organization: Organization, name: str, wish: Wish, catalogue: Catalogue, by: str) -> Trial:
    """Ask for a rehearsal; Invalid or NotFound at once for what cannot be played, or where what is wished for does not fit."""
    piece, _ = made_ready(tx, organization.id, wish.text, catalogue)
    asked = subject(tx, organization, piece.playbook, wish)
    alert = {} if asked.run.alert is None else {"alert": asked.run.alert}
    starts, why = (None, "") if asked.match is None else (asked.match.matched, asked.match.reason)
    options = {"on": asked.on, "document": {**asked.run.trigger, **alert}, "starts": starts, "why": why}
    return trials.request(tx, organization.id, Kind.REHEARSAL, name, wish.text, by, options=options)


def playing(tx: Transaction, trial: Trial) -> Playing:
    """Return what is to be played."""
    return Playing(subject=proofs.subject(tx, trial.organization_id, trial.source), document=trial.options["document"])


def finish(tx: Transaction, trial: Trial, played: Played) -> bool:
    """Keep what came of it; False if it is over already."""
    if played.fault:
        return trials.finish(tx, trial, detail=played.fault)
    return trials.finish(tx, trial, result=played.model_dump(mode="json"), detail=played.error)


def result_of(tx: Transaction, trial: Trial, catalogue: Catalogue, vault: Vault) -> Rehearsal | None:
    """Return what came of a rehearsal, without what the playbook masks and secrets that are known; None where it is not over."""
    playbook = read(trial.source).playbook
    if trial.kind is not Kind.REHEARSAL or trial.result is None or playbook is None:
        return None
    played = Played.model_validate(trial.result)
    told = tuple(_told(each, catalogue) for each in played.steps)
    hide = known_secrets.hider(tx, vault, trial.organization_id)
    report = Report(playbook.name, played.status, played.error, told)
    return Rehearsal(
        on=trial.options["on"],
        starts=trial.options["starts"],
        why=trial.options["why"],
        report=hidden(report, _masks(tx, trial.organization_id, playbook), hide),
        notes=tuple(hide.text(each) for each in played.notes),
        machine=played.machine,
        lasted=played.lasted,
    )


def _masks(tx: Transaction, organization_id: str, playbook: Playbook) -> Mapping[str, Masks]:
    called: Mapping[Any, Playbook] = (
        surroundings.components(tx, organization_id, playbook) if any(calls(playbook)) else {}
    )
    return masked(playbook, called)


def _told(each: PlayedStep, catalogue: Catalogue) -> StepReport:
    action = catalogue.find(each.action)
    how = How.SKIPPED if each.status == "skipped" else How.PLAYED
    # What the end of the play found under way was never brought to one.
    error = each.error or ("" if each.status in _ENDS else f"It was still {each.status} when the play ended.")
    return StepReport(
        step=each.step,
        action=each.action,
        effect=action.effect.value if action is not None else "",
        how=how,
        status=each.status if each.status in _ENDS else "failed",
        outcome=each.outcome,
        input=each.input,
        output=each.output,
        error=error,
        iteration=each.iteration,
    )
