"""What Ringfence does: workers and what waits for them, accounts, services, notifications, keys, the audit log."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import AccountState
from ringfence.audit import heads
from ringfence.audit.heads import Signer
from ringfence.audit.verification import verify
from ringfence.diagnosis.model import Finding, failure, ok, warning
from ringfence.errors import RingfenceError
from ringfence.notifications import channels as channel_records
from ringfence.organizations import service as organizations
from ringfence.security import key_report
from ringfence.security.crypto import Vault
from ringfence.security.sign_in_rules import Demand
from ringfence.settings import Settings
from ringfence.storage import Transaction
from ringfence.storage.tables import channels, outbox, runs, second_factors, trigger_services, users, workers

_WAITS_LONG: Final = 300.0
_EXPIRES_SOON: Final = timedelta(days=30)


def working(tx: Transaction, settings: Settings) -> Iterator[Finding]:
    """Look for a worker that lives."""
    last: datetime | None = tx.scalar(sa.select(sa.func.max(workers.c.heartbeat_at)).select_from(workers))
    if last is None:
        yield failure("worker", "No worker has ever run.", "Start one: `ringfence serve` or `ringfence worker`.")
        return
    seconds = (clock.now() - last).total_seconds()
    if seconds > settings.dead_after:
        yield failure(
            "worker",
            f"The last worker was seen {seconds:.0f} seconds ago: nothing is polled, contained or released.",
            "Start one: `ringfence serve` or `ringfence worker`, and look at its log.",
        )
    else:
        count = tx.scalar(
            sa.select(sa.func.count())
            .select_from(workers)
            .where(workers.c.heartbeat_at > clock.now() - timedelta(seconds=settings.dead_after))
        )
        yield ok("worker", f"{count} at work.")


def queues(tx: Transaction) -> Iterator[Finding]:
    """Look at how long things wait: runs for a worker, notifications for being sent, alerts for being read."""
    now = clock.now()
    waiting = {
        "executions": sa.select(sa.func.min(runs.c.requested_at)).where(
            runs.c.status == "requested", runs.c.held_since.is_(None)
        ),
        "notifications": sa.select(sa.func.min(outbox.c.due_at)).where(outbox.c.state == "waiting"),
        "polls": sa.select(sa.func.min(trigger_services.c.next_poll_at)).where(
            trigger_services.c.enabled.is_(True), trigger_services.c.state.in_(["running", "starting"])
        ),
    }
    late = []
    for name, query in waiting.items():
        oldest: datetime | None = tx.scalar(query)
        seconds = (now - oldest).total_seconds() if oldest is not None else 0.0
        if seconds > _WAITS_LONG:
            late.append(name)
            yield warning(
                "queues",
                f"The oldest of the waiting {name} waits for {seconds / 60:.0f} minutes.",
                "Look at the worker's log; start more workers if there is too much to do (PostgreSQL).",
            )
    if not late:
        yield ok("queues", "Nothing waits for long.")


def accounts(tx: Transaction) -> Iterator[Finding]:
    """Look at connected accounts and how long their credentials are good."""
    found = [(owner, each) for owner in organizations.every(tx) for each in records.every(tx, owner.id)]
    if not found:
        yield warning(
            "accounts", "No Defender tenant is connected.", "Connect one: `ringfence account add`, or Accounts."
        )
    for owner, each in found:
        name = f"The account {each.name} of {owner.name}"
        if each.state is AccountState.FAILED:
            yield failure(
                "accounts", f"{name} has failed: {each.state_reason}", "Give it a working credential on its page."
            )
        elif each.state is not AccountState.HEALTHY:
            yield warning("accounts", f"{name} is {each.state.value}. {each.state_reason}".strip(), "Look at its page.")
        else:
            yield ok("accounts", f"{name} is healthy.")
        if each.secret_expires_on is not None and each.state is not AccountState.DISABLED:
            left = each.secret_expires_on - clock.now().date()
            if left < timedelta(0):
                yield failure("accounts", f"The credential of {each.name} has expired.", "Renew it.")
            elif left < _EXPIRES_SOON:
                yield warning("accounts", f"The credential of {each.name} expires in {left.days} days.", "Renew it.")


def sign_in(tx: Transaction, settings: Settings) -> Iterator[Finding]:
    """Look at whether who may do everything signs in with more than a password."""
    demand = Demand(settings.second_factor)
    if demand is Demand.EVERYBODY:
        yield ok("sign-in", "A second factor is demanded of everybody who does not come by a provider.")
        return
    proven = sa.select(second_factors.c.user_id).where(second_factors.c.confirmed_at.is_not(None))
    alone = (users.c.system_administrator, users.c.password_hash.is_not(None), users.c.id.not_in(proven))
    count: int = tx.scalar(sa.select(sa.func.count()).select_from(users).where(*alone))
    without = {
        Demand.NOBODY: "nobody: a password or a link alone lets everybody in, System Administrators among them",
        Demand.ADMINISTRATORS: "administrators only: a password or a link alone lets in who may contain hosts",
        Demand.RESPONDERS: "responders and administrators only: a password or a link alone lets in who may only look and prepare",
    }[demand]
    yield warning(
        "sign-in",
        f"RINGFENCE_SECOND_FACTOR demands a second factor of {without}."
        + (f" System Administrators with a password and no app: {count}." if count else ""),
        "Set up an authenticator app at `/me`, then take RINGFENCE_SECOND_FACTOR away: everybody is the default.",
    )


def notifications(tx: Transaction) -> Iterator[Finding]:
    """Look at whether somebody is told of what happens."""
    names = {each.id: each.name for each in organizations.every(tx)}
    rows = tx.all(sa.select(channels.c.organization_id, channels.c.name, channels.c.failures, channels.c.error))
    silent = sorted(set(names) - {row["organization_id"] for row in rows})
    for organization_id in silent:
        yield warning(
            "notifications", f"Nobody of {names[organization_id]} is told of anything.", "Add a channel: Notifications."
        )
    for row in rows:
        if row["failures"]:
            yield warning(
                "notifications", f"The channel {row['name']} fails: {row['error'][:200]}", "Test it on its page."
            )
    if rows and not silent and not any(row["failures"] for row in rows):
        yield ok("notifications", f"{len(rows)} channels work.")


def keys(tx: Transaction, vault: Vault) -> Iterator[Finding]:
    """Look at whether every secret opens, and whether a rotation is to be ended."""
    checked, state = key_report.check(tx, vault), key_report.show(tx, vault)
    if checked.unreadable:
        where = ", ".join(sorted({each.where for each in checked.unreadable}))
        yield failure(
            "secrets",
            f"{len(checked.unreadable)} of {checked.secrets} secrets cannot be opened ({where}).",
            "Put the master key back that belongs to this database, or enter them again: `ringfence keys check` names them.",
        )
    else:
        yield ok("secrets", f"All {checked.secrets} secrets open.")
    if state.to_wrap or state.to_seal:
        yield warning(
            "keys",
            f"A rotation is to be ended: {state.to_wrap} keys and {state.to_seal} secrets are left.",
            "Run `ringfence keys rotate master` or `ringfence keys rotate organization` again.",
        )


def unprotected(tx: Transaction, vault: Vault) -> Iterator[Finding]:
    """Look for channels whose messages anybody on the way can read."""
    for organization in organizations.every(tx):
        for channel in channel_records.every(tx, organization.id):
            if channel.kind != channel_records.ADDRESS and channel_records.target(tx, vault, channel).plain:
                yield warning(
                    "notifications",
                    f"The channel {channel.name} of {organization.name} sends without TLS: {channel.shown}",
                    "Choose starttls or tls for mail; a service has an address for TLS, such as jsons:// or ntfys://.",
                )


def audit(tx: Transaction, settings: Settings) -> Iterator[Finding]:
    """Check the chain of every organization's audit log, and against its signed heads."""
    for owner in organizations.every(tx):
        try:
            signed, signer = heads.kept(settings.audit_heads_file, owner.id), Signer(settings.data)
        except RingfenceError as error:
            yield failure("audit", error.message, error.advice)
            return
        report = verify(tx, owner.id, signed, signer.public, signer.older)
        if report.sound:
            yield ok("audit", f"The audit log of {owner.name} is whole: {report.entries} entries.")
        else:
            yield failure(
                "audit",
                f"The audit log of {owner.name} was tampered with: {report.found} problems.",
                "`ringfence audit verify` names the entries. After a restore, what came after the backup is missing.",
            )
