"""Carry out every check; what fails in an unexpected way is a finding too."""

from collections.abc import Callable, Iterable, Sequence

import httpx

from ringfence import logs
from ringfence.accounts import records
from ringfence.accounts.clients import cloud_of
from ringfence.accounts.model import AccountState
from ringfence.diagnosis import database as databases
from ringfence.diagnosis import machine, network, work
from ringfence.diagnosis.model import Finding, Report, failure
from ringfence.errors import RingfenceError
from ringfence.organizations import service as organizations
from ringfence.security.crypto import Vault
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.storage.database import make_url

_log = logs.get(__name__)
Check = tuple[str, Callable[[], Iterable[Finding]]]


def examine(settings: Settings, database: Database, vault: Callable[[], Vault]) -> Report:
    """Check everything but the network."""

    def reading(work_: Callable[[Transaction], Iterable[Finding]]) -> Callable[[], Iterable[Finding]]:
        return lambda: database.read_now(lambda tx: list(work_(tx)))

    checks: list[Check] = [
        ("database", lambda: databases.version(database)),
        ("database connection", lambda: databases.protection(make_url(settings))),
        ("tables", lambda: databases.tables(database)),
        ("texts", lambda: databases.texts(database)),
        ("file", lambda: databases.damage(database)),
        ("clock", lambda: databases.clocks(database)),
        *_without_database(settings),
        ("secrets", lambda: database.read_now(lambda tx: list(work.keys(tx, vault())))),
        ("worker", reading(lambda tx: work.working(tx, settings))),
        ("queues", reading(work.queues)),
        ("accounts", reading(work.accounts)),
        ("sign-in", reading(lambda tx: work.sign_in(tx, settings))),
        ("notifications", reading(work.notifications)),
        ("notifications", lambda: database.read_now(lambda tx: list(work.unprotected(tx, vault())))),
        ("audit", reading(lambda tx: work.audit(tx, settings))),
    ]
    return Report(tuple(_carried_out(checks)))


def examine_without_database(settings: Settings, problem: RingfenceError) -> Report:
    """Check what can be checked where the database cannot be used."""
    first = failure("database", problem.message, problem.advice)
    return Report((first, *_carried_out(_without_database(settings))))


async def ask_network(
    settings: Settings, database: Database, transport: httpx.AsyncBaseTransport | None
) -> tuple[Finding, ...]:
    """Ask the hosts that the connected accounts need."""
    return tuple(await network.reach(await database.read(_origins), transport))


def _origins(tx: Transaction) -> Sequence[str]:
    found = set()
    for owner in organizations.every(tx):
        for each in records.every(tx, owner.id):
            if each.state is not AccountState.DISABLED:
                cloud = cloud_of(each)
                found |= {cloud.authority, cloud.mde_host, cloud.graph_host}
    return sorted(found)


def _without_database(settings: Settings) -> list[Check]:
    return [
        ("data folder", lambda: machine.files(settings)),
        ("master key", lambda: machine.key_source(settings)),
        ("disk", lambda: machine.disk(settings)),
        ("backup", lambda: machine.backups(settings)),
        ("address", lambda: machine.address(settings)),
        ("egress", lambda: network.closed(settings)),
        ("audit heads", lambda: network.heads(settings)),
    ]


def _carried_out(checks: Iterable[Check]) -> Iterable[Finding]:
    for name, check in checks:
        try:
            yield from list(check())
        except RingfenceError as error:
            yield failure(name, error.message, error.advice)
        except Exception as error:
            _log.warning("a check failed", check=name, exc_info=error)
            said = f"This could not be looked at: {type(error).__name__}."
            yield failure(name, said, "Run it again with `ringfence --log-level debug doctor`.")
