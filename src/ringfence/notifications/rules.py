"""From what happened to what people are told: one function reads a change, the others look at what time brings.

Every function works inside the caller's transaction.
"""

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import credentials
from ringfence.accounts import records as accounts
from ringfence.accounts.model import Account, AccountState
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.approvals.model import State as Answered
from ringfence.containment import board, brakes, orphans, policies, timers
from ringfence.containment.model import State
from ringfence.errors import NotFound
from ringfence.notifications import outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.organizations import service as organizations
from ringfence.security import people
from ringfence.services import pools
from ringfence.services import records as services
from ringfence.services.model import COMPLETENESS, ServiceState
from ringfence.storage import Transaction
from ringfence.storage.changes import Change
from ringfence.storage.tables import alerts, containments

NOUNS: Final = frozenset({"approval", "brake", "policy", "containment", "account", "service", "user"})
_FAILED: Final = frozenset({State.FAILED, State.TIMED_OUT, State.WITHDRAWN})
_WARNINGS: Final = (60, 30, 14, 7, 1)
_ACCOUNT_EVENTS: Final = {
    Event.ACCOUNT_FAILED: AccountState.FAILED,
    Event.ACCOUNT_DEGRADED: AccountState.DEGRADED,
}
_ENDED: Final = {
    Answered.REJECTED: (Event.APPROVAL_REJECTED, "Rejected"),
    Answered.EXPIRED: (Event.APPROVAL_EXPIRED, "Nobody answered in time"),
}
_ORPHANED_AFTER: Final = timedelta(hours=24)


def told_of(change: Change) -> bool:
    """Say whether a change may be something to tell, without looking at anything else."""
    match change.noun, change.kind:
        case "approval", kind:
            return kind != "answered"
        case "brake", "tripped":
            return True
        case "policy", _:
            return True
        case "containment", kind:
            kinds = {State.CONTAINED, State.RELEASE_FAILED, *_FAILED, State.RELEASED, timers.SOON}
            return kind in kinds
        case "account", kind:
            return kind in list(AccountState)
        case "service", _:
            return True
        case "user", "locked":
            return True
        case _:
            return False


def tell(tx: Transaction, change: Change) -> None:
    """Tell what a change means, if it means anything; what is gone meanwhile means nothing."""
    try:
        match change.noun:
            case "approval":
                _approval(tx, change)
            case "brake":
                _brake(tx, change)
            case "policy":
                _policy(tx, change)
            case "containment":
                _containment(tx, change)
            case "account":
                _account(tx, change)
            case "service":
                _service(tx, change)
            case "user":
                _user(tx, change)
    except NotFound:
        return


def _approval(tx: Transaction, change: Change) -> None:
    asked = approvals.get(tx, change.noun_id, organization_id=change.organization_id)
    path = f"/approvals/{asked.id}"
    about = asked.question.subject_id if asked.question.subject is Subject.CONTAINMENT else ""
    if not asked.open:
        _ended(tx, change, asked, path, about)
        return
    event = Event.APPROVAL_ESCALATED if change.kind == "escalated" else Event.APPROVAL_ASKED
    people = ", ".join(asked.may_answer) or "everybody who may contain"
    why = " ".join(asked.question.reasons)
    until = f"{asked.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    # A playbook's question names it among its reasons.
    by = "" if asked.question.asked_by in why else f" Asked by {asked.question.asked_by}."
    detail = f"{why}{by} For {people}, until {until}."
    # Who was asked the first time is asked again, and sees that it is not the same message.
    title = f"Still unanswered: {asked.question.text}" if change.kind == "escalated" else asked.question.text
    _tell(tx, change, event, asked.id, title, detail, path, _facets(tx, about))


def _ended(tx: Transaction, change: Change, asked: Approval, path: str, about: str) -> None:
    """Let nobody be called to a question that is over, and tell those who waited that there will be no yes."""
    for event in (Event.APPROVAL_ASKED, Event.APPROVAL_ESCALATED):
        for each in outbox.told_about(tx, event, asked.id):
            outbox.end(tx, each)
    ended = _ENDED.get(asked.state)
    if ended is not None:
        event, words = ended
        detail = f"Asked by {asked.question.asked_by}. {asked.detail}"
        _tell(tx, change, event, asked.id, f"{words}: {asked.question.text}", detail, path, _facets(tx, about))


def _brake(tx: Transaction, change: Change) -> None:
    for each in brakes.listed(tx, change.organization_id):
        if each.id == change.noun_id:
            what = "nothing more is contained" if each.stops_containing else "no more responses of its kind are made"
            title = f"A limit was reached: {what}"
            _tell(tx, change, Event.BRAKE_TRIPPED, each.id, title, each.detail, "/containment")


def _policy(tx: Transaction, change: Change) -> None:
    standing = policies.standing(tx, change.organization_id)
    told = outbox.standing(tx, Event.KILL_SWITCH, change.organization_id)
    if standing.effective.policy.frozen and not told:
        title, detail = "The kill switch is on: nothing new is contained", "Releases go on."
        news = News(
            Event.KILL_SWITCH,
            f"{change.organization_id}:{change.id}",
            "policy",
            change.organization_id,
            title,
            detail,
            "/containment",
        )
        outbox.tell(tx, change.organization_id, news)
    elif not standing.effective.policy.frozen:
        for each in told:
            outbox.end(tx, each)


def _containment(tx: Transaction, change: Change) -> None:
    row = board.get(tx, change.organization_id, change.noun_id).row
    path = f"/containment/{row.id}"
    facets = _facets(tx, row.id)
    if change.kind == State.CONTAINED:
        title = f"{row.name} is cut off, confirmed by Defender"
        _tell(tx, change, Event.CONTAINMENT_CONFIRMED, row.id, title, row.reason, path, facets)
    elif change.kind in _FAILED:
        title = f"{row.name} was not cut off: {change.kind.replace('_', ' ')}"
        _tell(tx, change, Event.CONTAINMENT_FAILED, row.id, title, row.detail, path, facets)
    elif change.kind == timers.SOON:
        key = f"{row.id}:{clock.iso(row.auto_release_at) if row.auto_release_at else ''}"
        _tell(
            tx,
            change,
            Event.RELEASE_SOON,
            key,
            f"{row.name} will soon be let go by its timer",
            row.detail,
            path,
            facets,
        )
    elif change.kind == State.RELEASE_FAILED:
        title = f"{row.name} could not be let go; it is still cut off"
        _tell(tx, change, Event.RELEASE_FAILED, row.id, title, row.detail, path, facets)
    else:
        for each in outbox.standing(tx, Event.RELEASE_FAILED, row.id):
            outbox.end(tx, each)


def _account(tx: Transaction, change: Change) -> None:
    account = accounts.by_id(tx, change.noun_id, organization_id=change.organization_id)
    path = f"/accounts/{account.id}"
    if account.state is AccountState.FAILED:
        title = f"The account {account.name} has failed; nothing is attempted with it"
        _tell(tx, change, Event.ACCOUNT_FAILED, account.id, title, account.state_reason, path)
    elif account.state is AccountState.DEGRADED:
        title = f"The account {account.name} works, but not for all that it is needed for"
        _tell(tx, change, Event.ACCOUNT_DEGRADED, account.id, title, account.state_reason, path)
    for event, state in _ACCOUNT_EVENTS.items():
        if account.state is not state:
            for each in outbox.standing(tx, event, account.id):
                outbox.end(tx, each)


def _service(tx: Transaction, change: Change) -> None:
    service = services.by_id(tx, change.noun_id, organization_id=change.organization_id)
    if service.state is ServiceState.FAILED:
        title = f"The service {service.name} has failed; alerts may come late"
        news = News(
            Event.SERVICE_FAILED,
            service.id,
            change.noun,
            service.id,
            title,
            service.state_reason,
            f"/services/{service.id}",
        )
        outbox.tell(tx, change.organization_id, news, addresses=service.notify_to)
        return
    for each in outbox.standing(tx, Event.SERVICE_FAILED, service.id):
        outbox.end(tx, each)
    # Other problems come and go with the polls; that alerts may be missing stands until a sweep has shown otherwise.
    if missing := service.problems.get(COMPLETENESS):
        title = f"The service {service.name} may have missed alerts"
        _tell(tx, change, Event.SERVICE_UNHEALTHY, service.id, title, missing, f"/services/{service.id}")
        return
    for each in outbox.standing(tx, Event.SERVICE_UNHEALTHY, service.id):
        outbox.end(tx, each)


def _user(tx: Transaction, change: Change) -> None:
    user = people.get(tx, change.noun_id)
    title = f"Somebody guesses how {user.name} signs in"
    detail = "After too many failures the name is locked for a quarter of an hour, but in browsers that are known."
    _tell(tx, change, Event.SIGN_IN_LOCKED, f"{user.id}:{change.id}", title, detail, f"/people/{user.id}/sign-ins")


@dataclass(frozen=True, slots=True)
class _Facets:
    severity: str = ""
    device_group: str = ""


_NO_FACETS: Final = _Facets()


def _facets(tx: Transaction, containment_id: str) -> _Facets:
    """Return what rules may ask of a containment: its alert's severity, its host's device group."""
    query = (
        sa.select(alerts.c.severity, containments.c.device_group)
        .select_from(containments.outerjoin(alerts, alerts.c.id == containments.c.alert_id))
        .where(containments.c.id == containment_id)
    )
    row = tx.one(query)
    return _Facets(row["severity"] or "", row["device_group"] or "") if row is not None else _Facets()


def _tell(
    tx: Transaction,
    change: Change,
    event: Event,
    key: str,
    title: str,
    detail: str,
    path: str,
    facets: _Facets = _NO_FACETS,
) -> None:
    news = News(event, key, change.noun, change.noun_id, title, detail, path, facets.severity, facets.device_group)
    outbox.tell(tx, change.organization_id, news)


def look(tx: Transaction) -> None:
    """Tell what time has brought: credentials that will expire, hosts that nobody comes back to; and remind."""
    for organization in organizations.every(tx):
        for account in accounts.every(tx, organization.id):
            if account.secret_expires_on is not None and account.state is not AccountState.DISABLED:
                _expiring(tx, account, account.secret_expires_on)
        for orphan in orphans.orphans(tx, organization.id, older_than=_ORPHANED_AFTER):
            host = orphan.isolation
            title = f"{host.machine_name or host.machine_id} has been cut off since {clock.iso(orphan.since)}"
            key = f"{host.account_id}:{host.machine_id}:{clock.iso(orphan.since)}"
            news = News(
                Event.HOST_ORPHANED,
                key,
                "isolation",
                host.machine_id,
                title,
                f"{orphan.why} {orphan.ask}",
                "/containment",
            )
            outbox.tell(tx, organization.id, news)
    _unserved(tx)
    for notice in outbox.to_remind(tx):
        if still_so(tx, notice):
            outbox.remind(tx, notice, addresses=_addresses(tx, notice))
        else:
            outbox.end(tx, notice)


def _unserved(tx: Transaction) -> None:
    """Tell of services that wait in a pool that nobody serves, once, and take it back when somebody does."""
    waiting = {each.id: each for each in pools.waiting(tx)}
    for notice in outbox.standing(tx, Event.SERVICE_UNSERVED):
        if notice["noun_id"] not in waiting:
            outbox.end(tx, notice)
    for service in waiting.values():
        title = f"Nobody reads the service {service.name}: no worker serves the pool {service.pool}"
        detail = pools.unserved(service, ())
        news = News(Event.SERVICE_UNSERVED, service.id, "service", service.id, title, detail, f"/services/{service.id}")
        outbox.tell(tx, service.organization_id, news, addresses=service.notify_to)


def _addresses(tx: Transaction, notice: sa.RowMapping) -> tuple[str, ...]:
    if notice["event"] not in (Event.SERVICE_FAILED, Event.SERVICE_UNSERVED):
        return ()
    return services.by_id(tx, notice["noun_id"]).notify_to


def _expiring(tx: Transaction, account: Account, ends: date) -> None:
    left = (ends - clock.now().date()).days
    reached = [days for days in _WARNINGS if left <= days]
    if not reached:
        return
    days = min(reached)
    when = f"in {left} days, on {ends}" if left > 0 else f"today, {ends}" if left == 0 else f"on {ends}"
    title = f"The credential of the account {account.name} {'expires' if left >= 0 else 'expired'} {when}"
    beside = credentials.beside(tx, account.id)
    ready = beside is not None and beside.stage is credentials.Stage.PROVEN
    detail = (
        "A new one is proven and lies ready: switch to it."
        if ready
        else "Make a new one in Entra, and put it beside the one in use before then."
    )
    key = f"{account.id}:{ends}:{days}"
    news = News(Event.CREDENTIAL_EXPIRING, key, "account", account.id, title, detail, f"/accounts/{account.id}")
    outbox.tell(tx, account.organization_id, news)


def still_so(tx: Transaction, notice: sa.RowMapping) -> bool:
    """Say whether what a notice tells of still stands."""
    organization_id, noun_id = notice["organization_id"], notice["noun_id"]
    try:
        match Event(notice["event"]):
            case Event.RELEASE_FAILED:
                row = board.get(tx, organization_id, noun_id).row
                return row.state in (State.RELEASE_FAILED, State.RELEASING)
            case Event.ACCOUNT_FAILED | Event.ACCOUNT_DEGRADED as event:
                return accounts.by_id(tx, noun_id).state is _ACCOUNT_EVENTS[event]
            case Event.SERVICE_FAILED:
                return services.by_id(tx, noun_id).state is ServiceState.FAILED
            case Event.SERVICE_UNHEALTHY:
                return COMPLETENESS in services.by_id(tx, noun_id).problems
            case Event.SERVICE_UNSERVED:
                return any(each.id == noun_id for each in pools.waiting(tx))
            case Event.HOST_ORPHANED:
                found = orphans.orphans(tx, organization_id, older_than=_ORPHANED_AFTER)
                return any(each.isolation.machine_id == noun_id for each in found)
            case Event.KILL_SWITCH:
                return policies.standing(tx, organization_id).effective.policy.frozen
            case _:
                return False
    except NotFound:
        return False
