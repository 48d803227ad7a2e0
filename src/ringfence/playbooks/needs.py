"""Which playbooks run with an account, and which permissions their steps need of it, with those of components they call."""

from collections.abc import Callable
from functools import lru_cache

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.accounts.permissions import Wish
from ringfence.playbooks import library
from ringfence.playbooks.calls import reached
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Catalogue, DefenderAlertTrigger, Playbook
from ringfence.playbooks.surroundings import components
from ringfence.playbooks.triggers import ChangeTrigger
from ringfence.services import records as services
from ringfence.storage import Transaction


def of_account(tx: Transaction, catalogue: Catalogue, account: Account) -> list[Wish]:
    """Return the published playbooks that would run with an account, in the order in which they were made.

    One that may run with any account runs with each of them.
    """
    organization_id = account.organization_id
    versions = {each.version_id: each for each in library.published(tx, organization_id)}
    if not versions:
        return []
    mine = {each.name for each in services.of_account(tx, account.id)}
    others = any(each.id != account.id for each in records.every(tx, organization_id))
    found = []
    for version_id, source in library.sources(tx, organization_id, versions):
        playbook = _read(source)
        if playbook is None or not _runs_with(playbook, account.name, mine, alone=not others):
            continue
        calls = reached(playbook, components(tx, organization_id, playbook), catalogue)
        roles = dict.fromkeys(role for _, action in calls for role in action.permissions)
        version = versions[version_id]
        by_name = playbook.trigger.account == account.name
        found.append(Wish(version.playbook_id, version.name, tuple(roles), by_name))
    order = list(versions)
    names = {each.playbook_id: order.index(each.version_id) for each in versions.values()}
    return sorted(found, key=lambda wish: names[wish.playbook_id])


def asking(catalogue: Callable[[], Catalogue]) -> Callable[[Transaction, Account], list[Wish]]:
    """Return what tells the playbooks of an account; the catalogue is made when somebody first asks."""
    return lambda tx, account: of_account(tx, catalogue(), account)


@lru_cache(maxsize=500)
def _read(source: str) -> Playbook | None:
    # Texts of versions never change, and each account is checked every hour.
    return read(source).playbook


def _runs_with(playbook: Playbook, name: str, services: set[str], *, alone: bool) -> bool:
    if playbook.kind == "component":
        # It runs with the account of whoever calls it.
        return False
    trigger = playbook.trigger
    if trigger.account is not None:
        return trigger.account == name
    if isinstance(trigger, DefenderAlertTrigger):
        return trigger.service is None or trigger.service in services
    return alone or isinstance(trigger, ChangeTrigger)
