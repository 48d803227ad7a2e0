"""Drills in the installation that the command line opens."""

import sqlalchemy as sa

from cli_world import Ringfence
from contoso import WORKSTATION, Contoso
from drill_samples import seed
from ringfence import clock
from ringfence.settings import Settings
from ringfence.storage import Transaction
from ringfence.storage.tables import drill_devices, drill_schedules, drills


def prepare(ringfence: Ringfence, contoso: Contoso, *, free: bool = False) -> None:
    """Write the samples; `free`: without the drills."""

    def work(tx: Transaction) -> None:
        for table in (drills, drill_schedules, drill_devices):
            tx.execute(sa.delete(table))
        seed(tx, contoso.organization_id, contoso.account_id, WORKSTATION, clock.now())
        if free:
            tx.execute(sa.delete(drills))

    change(ringfence, work)


def change(ringfence: Ringfence, work: object) -> None:
    """Change the rows of the installation."""
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        installation.database.run_now(work)  # type: ignore[arg-type]
    finally:
        installation.close()
