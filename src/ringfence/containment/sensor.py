"""Through which account an organization contains hosts: one, so that two never act on the same host against each other.

The database allows an organization one such account (`accounts.sensor`). Who looks after several customers gives each an
organization of its own, with the account of that customer's tenant.
"""

import sqlalchemy as sa

from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.containment import events, service
from ringfence.containment.model import FINAL, Containment
from ringfence.errors import Conflict
from ringfence.storage import Transaction
from ringfence.storage.tables import containments

_OVER = tuple(state.value for state in FINAL)


class SecondSensor(Conflict):
    """Another account of the organization contains already."""

    code = "second_sensor"


def choose(tx: Transaction, organization_id: str, name: str, *, replace: bool, by: str) -> Account:
    """Let an organization contain through the account of this name; SecondSensor if another does and is not to be replaced.

    What the replaced account holds is handed over where both reach the same tenant; else it stays with it, to be released
    through it. Replacing needs no working credential of the account that is replaced.
    """
    service.queue(tx, organization_id)
    wanted = records.by_name(tx, organization_id, name)
    if wanted.sensor:
        return wanted
    if wanted.state is AccountState.DISABLED:
        raise Conflict(
            f"The account {wanted.name!r} is switched off.",
            advice=f"Switch it on first: `ringfence account enable {wanted.name}`.",
        )
    present = records.sensor(tx, organization_id)
    if present is not None and not replace:
        raise SecondSensor(
            f"Hosts of this organization are contained through {present.name!r}, and only one account can do so: two could "
            "act on one host against each other.",
            advice="Replace it (--replace), or make an organization of its own for another customer's tenant.",
        )
    if present is not None and _same_tenant(present, wanted):
        _hand_over(tx, present, wanted, by)
    records.make_sensor(tx, wanted)
    return records.by_id(tx, wanted.id)


def _same_tenant(one: Account, other: Account) -> bool:
    return (one.cloud, one.tenant_id.casefold()) == (other.cloud, other.tenant_id.casefold())


def _hand_over(tx: Transaction, present: Account, wanted: Account, by: str) -> None:
    live = containments.c.state.not_in(_OVER)
    for row in tx.all(sa.select(containments).where(containments.c.account_id == present.id, live).with_for_update()):
        held = Containment.of(row)
        key = service.live_key_of(wanted.id, held.machine_id) if held.live_key and held.machine_id else None
        if key and tx.one(sa.select(containments.c.id).where(containments.c.live_key == key)) is not None:
            raise Conflict(
                f"Both {present.name!r} and {wanted.name!r} hold {held.machine_name or held.target}.",
                advice="Release it through one of them first.",
            )
        # A driver that is at work on it through the other account loses it; whatever that one sent is found by its key.
        values = {"account_id": wanted.id, "live_key": key, "lease_owner": None, "lease_until": None}
        tx.execute(
            sa.update(containments)
            .where(containments.c.id == held.id)
            .values(**values, next_at=clock.now(), fence=containments.c.fence + 1)
        )
        detail = f"{by} handed it over from the account {present.name} to {wanted.name}."
        events.write(tx, held, held.state, held.state, detail)
        tx.changed(held.organization_id, "containment", held.id, "detail")
