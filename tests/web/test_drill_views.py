import sqlalchemy as sa

from contoso import WORKSTATION, Contoso
from drill_samples import seed
from ringfence import clock
from ringfence.drills import records
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import drill_devices, drill_schedules, drills
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
    assert embedded.read_now(lambda tx: incident_of(tx, records.get(tx, passed))) is None
