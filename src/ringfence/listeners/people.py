"""Start a playbook for a person, on an alert, a machine, an incident, or on nothing. Works inside the caller's transaction."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records
from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.alerts.queue import Filters
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Conflict, Invalid, Misconfigured
from ringfence.incidents import queue as incidents
from ringfence.incidents.document import contents, described
from ringfence.incidents.model import number_of
from ringfence.listeners.starting import start
from ringfence.organizations import service as organizations
from ringfence.playbooks import library
from ringfence.playbooks.library import PlaybookState, StoredPlaybook
from ringfence.playbooks.model import AnyTrigger
from ringfence.playbooks.triggers import ManualInput, ManualTrigger
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import runs
from ringfence.triggers import manual
from ringfence.triggers.listening import Listening

LONGEST_KEY: Final = 200
_MACHINE: Final = re.compile(r"[0-9a-fA-F]{40}")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks for: `alert` is our id or Defender's, `machine` a machine's id, `incident` a number, `account` a name.

    Who asks twice with the same `key` gets the same run; without one, each asking starts a run.
    """

    playbook: str
    by: str
    alert: str | None = None
    machine: str | None = None
    account: str | None = None
    inputs: Mapping[str, str] | None = None
    key: str | None = None
    incident: str | None = None

    @property
    def subject(self) -> str:
        """What it is started on; Invalid where that is more than one thing."""
        given = [name for name in ("alert", "machine", "incident") if getattr(self, name) is not None]
        if len(given) > 1:
            raise Invalid(
                "A playbook is started on an alert, on a machine or on an incident, not on several.",
                advice="Name one of them.",
            )
        return given[0] if given else "nothing"


@dataclass(frozen=True, slots=True)
class Begun:
    """The run that was started; `repeated` says that it had been, by the same key."""

    run_id: str
    playbook: StoredPlaybook
    repeated: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A playbook that a person may start, and the inputs that it asks for."""

    playbook: StoredPlaybook
    inputs: Mapping[str, ManualInput]


class Starter:
    """Starts playbooks for people; may be shared by all threads of a process."""

    def __init__(self) -> None:
        self._listening = Listening()

    def begin(self, tx: Transaction, organization_id: str, wish: Wish) -> Begun:
        """Request the run.

        Invalid where playbook, subject and inputs do not fit each other, NotFound where one is unknown, Conflict where the
        playbook is paused or the key was used for something else.
        """
        playbook = library.get(tx, organization_id, wish.playbook)
        trigger = self._trigger(tx, playbook)
        manual.demand(trigger, playbook.name, wish.subject)
        inputs = manual.read_inputs(trigger, {name: storable(value) for name, value in (wish.inputs or {}).items()})
        seen: dict[str, Any] = {"type": manual.DECLARATION.type, "by": storable(wish.by), "input": inputs}
        machine = None if wish.machine is None else _machine(wish.machine)
        alert = None if wish.alert is None else queue.get(tx, organization_id, wish.alert)
        if wish.incident is not None:
            held = contents(tx, incidents.get(tx, organization_id, number_of(wish.incident)))
            # The run is about the alert that came to it first, which is what makes its hosts eligible.
            alert = next(iter(held.alerts), None)
            seen |= {"incident": described(held)}
        account = _account(tx, organization_id, trigger, wish.account, machine, alert)
        if alert is not None:
            seen |= {"alert_id": alert.id, "version": alert.version, "machine_id": alert.machine_id}
        if machine is not None:
            seen |= {"machine_id": machine}
        seen |= {"account": account}
        if not organizations.is_active(tx, organization_id):
            raise Conflict(
                "The organization is frozen or closed, and nothing new is begun in it.",
                advice="Open it again first: `ringfence organization open`.",
            )
        cause = _cause(wish)
        before = _known(tx, playbook, cause)
        if before is None and playbook.state is not PlaybookState.ACTIVE:
            raise Conflict(
                f"The playbook {playbook.name!r} is {playbook.state}.",
                advice="Activate it first: `ringfence playbook activate`.",
            )
        run_id = start(
            tx,
            playbook,
            cause,
            seen,
            account,
            account_id=alert.account_id if alert is not None else None,
            alert_id=alert.id if alert is not None else None,
            alert_version=alert.version if alert is not None else None,
        )
        if before is not None and _same(before) != _same(seen):
            raise Conflict(
                "This key was used before, to start the playbook on something else.", advice="Use a key of its own."
            )
        if before is None:
            said = {"playbook": playbook.name, "version": playbook.version, **seen}
            log.write(tx, Event.RUN_STARTED, organization_id, run_id, details=said, actor=wish.by)
        return Begun(run_id, playbook, before is not None)

    def offers(self, tx: Transaction, organization_id: str, subject: str) -> list[Offer]:
        """Return the active playbooks that a person may start on a subject (as `Wish.subject` names them), by name."""
        found = []
        for playbook in library.every(tx, organization_id):
            trigger = self._listening.trigger(tx, playbook) if playbook.state is PlaybookState.ACTIVE else None
            if trigger is not None and subject in manual.allowed_on(trigger):
                found.append(Offer(playbook, trigger.inputs if isinstance(trigger, ManualTrigger) else {}))
        return found

    def _trigger(self, tx: Transaction, playbook: StoredPlaybook) -> AnyTrigger:
        trigger = self._listening.trigger(tx, playbook)
        if trigger is None:
            raise Misconfigured(
                f"This release cannot read the playbook {playbook.name!r}.", advice="Check it, and publish it again."
            )
        return trigger


def _account(
    tx: Transaction,
    organization_id: str,
    trigger: AnyTrigger,
    asked: str | None,
    machine: str | None,
    alert: Alert | None,
) -> str | None:
    """Return the name of the account to use: the alert's own, the one asked for, the trigger's, the machine's, the only one."""
    if asked is not None:
        name = records.by_name(tx, organization_id, asked).name
        if alert is not None and name != alert.account:
            raise Invalid(f"The alert belongs to the account {alert.account!r}.", advice="Leave the account out.")
        return name
    if alert is not None:
        return alert.account
    if trigger.account is not None:
        return trigger.account
    known = [each.name for each in records.every(tx, organization_id)]
    if len(known) < 2 or machine is None:
        return known[0] if len(known) == 1 else None
    seen = {each.account for each in queue.page(tx, organization_id, Filters(machine=machine)).alerts}
    if len(seen) == 1:
        return seen.pop()
    raise Invalid(
        "There are several accounts, so it is not clear in which one the machine is.",
        advice=f"Name one of: {', '.join(known)}.",
    )


def _machine(machine: str) -> str:
    if not _MACHINE.fullmatch(machine):
        raise Invalid(f"{machine[:60]!r} is not a machine's id.", advice="Give Defender's id: 40 hexadecimal digits.")
    return machine.lower()


def _cause(wish: Wish) -> str:
    if wish.key is None:
        return f"manual:{clock.new_id()}"
    if not 1 <= len(wish.key) <= LONGEST_KEY or not wish.key.isprintable():
        raise Invalid(
            "This cannot be an idempotency key.",
            advice=f"Use 1 to {LONGEST_KEY} characters that can be seen, e.g. a UUID.",
        )
    return f"manual:{storable(wish.by)}:{storable(wish.key)}"


def _same(seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what two askings with one key must share: not how far an alert or an incident has come meanwhile."""
    number = seen["incident"]["number"] if "incident" in seen else None
    return {**seen, "version": None, "incident": number}


def _known(tx: Transaction, playbook: StoredPlaybook, cause: str) -> dict[str, Any] | None:
    query = sa.select(runs.c.trigger).where(runs.c.playbook_id == playbook.id, runs.c.cause_key == cause)
    row = tx.one(query)
    return None if row is None else dict(row["trigger"])
