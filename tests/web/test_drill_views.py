import sqlalchemy as sa

from contoso import WORKSTATION, Contoso
from drill_samples import seed
from ringfence import clock
from ringfence.containment import board
from ringfence.drills import records
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, alerts, drill_devices, drill_schedules, drills
from ringfence.web.drill_views import incident_of, view


def test_all_that_the_page_shows_is_read_at_once(embedded: Database, contoso: Contoso) -> None:
    def work(tx: Transaction) -> str:
        for table in (drills, drill_schedules, drill_devices):
            tx.execute(sa.delete(table))
        return seed(tx, contoso.organization_id, contoso.account_id, WORKSTATION, clock.now())

    passed = embedded.run_now(work)
    shown = embedded.read_now(lambda tx: view(tx, contoso.organization_id))
    assert len(shown.drills) == 3
    assert (shown.real, shown.names[WORKSTATION]) == (frozenset({WORKSTATION}), "tst-001.contoso.com")
    assert "Contain ransomware" in shown.playbooks
    assert (shown.simulated, shown.free) == (False, ())
    assert embedded.read_now(lambda tx: incident_of(tx, records.get(tx, passed))) is None


def test_only_hosts_of_a_simulated_tenant_that_nothing_holds_are_offered(embedded: Database, contoso: Contoso) -> None:
    def work(tx: Transaction) -> None:
        tx.execute(sa.delete(drill_devices))
        mine = accounts.c.id == contoso.account_id
        tx.execute(sa.update(accounts).where(mine).values(api_url="http://127.0.0.1:8900"))
        held = [row.machine_id for row in board.listing(tx, contoso.organization_id, live=True, limit=50).rows]
        tx.execute(sa.update(alerts).values(machine_id="9" * 40, machine_name="dc-01"))
        for row, machine, name in zip(
            tx.all(sa.select(alerts.c.id).limit(3)),
            (held[0], "1" * 40, "2" * 40),
            ("wks-1", "wks-2", "lap-1"),
            strict=True,
        ):
            tx.execute(sa.update(alerts).where(alerts.c.id == row["id"]).values(machine_id=machine, machine_name=name))

    embedded.run_now(work)
    shown = embedded.read_now(lambda tx: view(tx, contoso.organization_id))
    assert (shown.simulated, shown.free) == (True, ("lap-1", "wks-2"))
