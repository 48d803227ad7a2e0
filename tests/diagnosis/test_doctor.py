from pathlib import Path

import httpx
import sqlalchemy as sa

import sealed_samples
from ringfence.diagnosis import doctor
from ringfence.diagnosis.model import Level
from ringfence.errors import Unavailable
from ringfence.security.crypto import Vault
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import accounts


def test_every_check_is_carried_out_and_one_that_breaks_hides_no_other(embedded: Database, tmp_path: Path) -> None:
    def broken() -> Vault:
        raise ZeroDivisionError

    report = doctor.examine(Settings(data=tmp_path), embedded, broken)
    found = {each.check: each for each in report.findings}
    assert {"database", "tables", "file", "data folder", "disk", "backup", "address", "egress"} <= set(found)
    assert {"worker", "queues", "accounts"} <= set(found)
    assert (found["secrets"].level, "ZeroDivisionError" in found["secrets"].said) == (Level.FAILURE, True)


def test_without_a_database_the_rest_is_looked_at(tmp_path: Path) -> None:
    problem = Unavailable("The database cannot be reached.", advice="Start it.")
    report = doctor.examine_without_database(Settings(data=tmp_path), problem)
    assert (report.findings[0].said, report.worst) == ("The database cannot be reached.", Level.FAILURE)
    assert "disk" in {each.check for each in report.findings}


async def test_the_hosts_of_connected_accounts_are_asked(embedded: Database, tmp_path: Path) -> None:
    asked = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200)

    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    row = {"organization_id": own, "cloud": "commercial", "state": "healthy", "roles": []}
    embedded.run_now(lambda tx: sealed_samples.filled(tx, accounts, **row))
    found = await doctor.ask_network(Settings(data=tmp_path), embedded, httpx.MockTransport(handle))
    assert [each.level for each in found] == [Level.OK] * 3
    assert "https://login.microsoftonline.com" in asked
    embedded.run_now(lambda tx: tx.execute(sa.update(accounts).values(state="disabled")))
    assert await doctor.ask_network(Settings(data=tmp_path), embedded, httpx.MockTransport(handle)) == ()
