"""Where people try playbooks: finds the alert, the account and the doors that a dry run needs."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ringfence import clock
from ringfence.accounts import records
from ringfence.actions.catalogue import Catalogue
from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.alerts.transitions import Change
from ringfence.containment import policies
from ringfence.containment.driver import ClientSource
from ringfence.containment.explaining import Explanation, Question, explain
from ringfence.containment.policy import Policy
from ringfence.errors import Invalid
from ringfence.organizations.model import Organization
from ringfence.playbooks import checks, drafts, library, surroundings
from ringfence.playbooks.calls import calls, masked
from ringfence.playbooks.document import read
from ringfence.playbooks.model import DefenderAlertTrigger, Playbook
from ringfence.playbooks.problems import Problem, Severity, has_errors
from ringfence.rehearsals import profiles
from ringfence.rehearsals.describing import Describer
from ringfence.rehearsals.dry_run import dry_run, half_open
from ringfence.rehearsals.hiding import hidden
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import Report
from ringfence.rehearsals.scene import rehearsed
from ringfence.runs import known_secrets, limits
from ringfence.runs.alerts import Alerts
from ringfence.runs.door import Defender
from ringfence.runs.incidents import Incidents
from ringfence.runs.model import Run
from ringfence.runs.ports import Containments
from ringfence.runs.tables import Tables
from ringfence.security.crypto import Vault
from ringfence.security.hiding import Hider
from ringfence.storage import Database, Transaction
from ringfence.triggers import defender
from ringfence.triggers.base import Match

LARGEST_DOCUMENT: Final = 1_000_000
"""The most characters of JSON that a document which stands for a trigger may have."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants tried: a playbook's text, on a stored `alert` (our id or Defender's), a kept `profile` or a `document`.

    `document` is the trigger as the steps see it. `assumed` are outcomes of steps that are only described.
    """

    text: str
    alert: str | None = None
    document: Mapping[str, Any] | None = None
    account: str | None = None
    assumed: Mapping[str, str] = field(default_factory=dict)
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class DryRun:
    """A dry run: on what, whether the trigger would have started it at all (None where it cannot be asked), and its steps."""

    on: str
    starts: bool | None
    why: str
    account: str | None
    problems: tuple[Problem, ...]
    report: Report


@dataclass(frozen=True, slots=True)
class Subject:
    """What a playbook is tried on: a run that no row knows of, said in words (`on`), and whether the trigger matches."""

    run: Run
    on: str
    account: str | None
    match: Match | None


def made_ready(
    tx: Transaction, organization_id: str, text: str, catalogue: Catalogue, path: str = "playbook"
) -> tuple[Piece, tuple[Problem, ...]]:
    """Read a playbook for a rehearsal; Invalid, with the problems as lines that begin with `path`, if it has errors.

    What only the installation knows, such as whether an account is connected, is no reason not to try it.
    """
    document = read(text)
    problems = checks.check(document, catalogue)
    if document.playbook is None or has_errors(problems):
        raise Invalid(
            "The playbook has errors, so it cannot be tried.",
            advice="Correct what `problems` says.",
            problems=tuple(each.render(path) for each in problems if each.severity is Severity.ERROR),
        )
    playbook = document.playbook
    components = surroundings.components(tx, organization_id, playbook) if any(calls(playbook)) else {}
    return Piece.of(playbook, catalogue, components), tuple(problems)


async def try_dry(
    database: Database,
    clients: ClientSource,
    vault: Vault,
    catalogue: Catalogue,
    organization: Organization,
    wish: Wish,
) -> DryRun:
    """Carry a dry run out; Invalid or NotFound where what is wished for does not fit."""

    def look(tx: Transaction) -> tuple[Piece, tuple[Problem, ...], Subject, Hider]:
        piece, problems = made_ready(tx, organization.id, wish.text, catalogue)
        asked = subject(tx, organization, piece.playbook, wish)
        problems += _turn(tx, piece, asked.run)
        return piece, problems, asked, known_secrets.hider(tx, vault, organization.id)

    piece, problems, asked, hide = await database.read(look)
    run = asked.run
    doors = half_open(
        defender=Defender(run, clients),
        incidents=Incidents.of_run(run, database),
        tables=Tables(database, organization.id, f"dry run of {run.playbook_name}"),
        alerts=Alerts(database, organization.id, run.account_id, run),
        containment=Containments(run, database, deadline=0.0),
    )
    describer = Describer(_judge(database, clients, run), _policy(database, organization.id))
    report = hidden(
        await dry_run(piece, run, doors, describer, wish.assumed), masked(piece.playbook, piece.components), hide
    )
    match = asked.match
    starts, why = (None, "") if match is None else (match.matched, match.reason)
    return DryRun(asked.on, starts, why, asked.account, problems, report)


def subject(tx: Transaction, organization: Organization, playbook: Playbook, wish: Wish) -> Subject:
    """Find what a wish names; Invalid where it names not exactly one thing, NotFound where that is not there."""
    if [wish.alert, wish.document, wish.profile].count(None) != 2:
        raise Invalid(
            "A dry run needs one thing that starts it.",
            advice="Name a stored alert or a profile, or give a document that stands for the trigger.",
        )
    if wish.alert is not None:
        return _on_alert(tx, organization, playbook, queue.get(tx, organization.id, wish.alert), wish)
    given, asked, on = dict(wish.document or {}), wish.account, "a document"
    if wish.profile is not None:
        kept = profiles.get(tx, organization.id, playbook.name, wish.profile)
        given, asked, on = dict(kept.document), asked or kept.account, f"the profile {kept.name}"
    alert = given.pop("alert", None)
    if alert is not None and not isinstance(alert, Mapping):
        raise Invalid("`alert` in the document is not an object.", advice="Give the alert as Defender sends it.")
    account_id, account = _account(tx, organization.id, playbook, asked)
    trigger = {"type": playbook.trigger.type, "account": account, **given}
    run = rehearsed(
        playbook.name,
        trigger,
        now=clock.now(),
        organization_id=organization.id,
        organization_name=organization.name,
        account_id=account_id,
        alert=alert,
    )
    return Subject(run, on, account, None)


def _on_alert(tx: Transaction, organization: Organization, playbook: Playbook, alert: Alert, wish: Wish) -> Subject:
    if wish.account not in (None, alert.account):
        raise Invalid(f"The alert belongs to the account {alert.account!r}.", advice="Leave the account out.")
    version = queue.read_version(tx, organization.id, alert)
    trigger, match, created = playbook.trigger, None, Change.CREATED
    if isinstance(trigger, DefenderAlertTrigger):
        # Which change it would be is not known: any that the trigger asks for will do.
        changes = tuple(Change(each) for each in trigger.changes) or (created,)
        services = (trigger.service,) if trigger.service is not None else None
        event = defender.Event(version.document, changes, alert.account, original=version.raw, services=services)
        match = defender.match(trigger, event)
    seen = {
        "type": trigger.type,
        "account": alert.account,
        "change": created.value,
        "changes": [created.value],
        "alert_id": alert.id,
        "version": alert.version,
        "machine_id": alert.machine_id,
    }
    run = rehearsed(
        playbook.name,
        seen,
        now=clock.now(),
        organization_id=organization.id,
        organization_name=organization.name,
        account_id=alert.account_id,
        alert=version.raw,
        alert_source=version.source,
        alert_id=alert.id,
    )
    return Subject(run, f"{alert.title} ({alert.alert_id})", alert.account, match)


def _turn(tx: Transaction, piece: Piece, run: Run) -> tuple[Problem, ...]:
    """Note that the limits of the playbook would not let a run begin now."""
    known = piece.plan.limits
    machine = run.trigger.get("machine_id")
    said = limits.foreseen(tx, run.organization_id, run.playbook_name, known, machine) if known is not None else ""
    return (Problem("limits", Severity.NOTE, said, field="limits"),) if said else ()


def _account(
    tx: Transaction, organization_id: str, playbook: Playbook, asked: str | None
) -> tuple[str | None, str | None]:
    """Return id and name of the account to look with: the one asked for, the trigger's, or the only one."""
    name = asked or playbook.trigger.account
    if name is not None:
        found = records.by_name(tx, organization_id, name)
        return found.id, found.name
    known = records.every(tx, organization_id)
    return (known[0].id, known[0].name) if len(known) == 1 else (None, None)


def _judge(database: Database, clients: ClientSource, run: Run) -> Callable[[str], Awaitable[Explanation]] | None:
    account_id = run.account_id
    if account_id is None:
        return None

    async def judge(target: str) -> Explanation:
        client = await clients.get(account_id)
        question = Question(run.organization_id, account_id, target, alert=run.alert_id)
        return await explain(database, client, question)

    return judge


def _policy(database: Database, organization_id: str) -> Callable[[str | None], Awaitable[Policy]]:
    async def policy(device_group: str | None) -> Policy:
        standing = await database.read(lambda tx: policies.standing(tx, organization_id, device_group))
        return standing.effective.policy

    return policy


def text_of(tx: Transaction, organization_id: str, playbook: str) -> str:
    """Return what is to be tried of a playbook, by its id or name: its open draft, else its newest version."""
    shelf = drafts.find(tx, organization_id, playbook)
    if shelf.revision is not None:
        return drafts.current(tx, organization_id, shelf.id).source
    return library.source_of(tx, organization_id, library.get(tx, organization_id, shelf.id).version_id)
