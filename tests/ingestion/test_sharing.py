"""What a service that is shared means to the playbooks of other organizations, and what it never does."""

from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert, publish
from ringfence import clock
from ringfence.errors import Invalid
from ringfence.ingestion.pages import Stored, prepare, store
from ringfence.organizations import service as organizations
from ringfence.organizations.model import State
from ringfence.playbooks import library, surroundings
from ringfence.runs import rows
from ringfence.storage import Database
from ringfence.storage.tables import runs
from ringfence.triggers.registry import Registry
from service_samples import put, the_service


@dataclass
class Two:
    """Contoso, whose service is shared, and Fabrikam, which listens."""

    database: Database
    registry: Registry = field(default_factory=Registry)

    def __post_init__(self) -> None:
        clock.replace(NOON.timestamp)
        self.contoso = an_organization(self.database, "Contoso")
        self.fabrikam = an_organization(self.database, "Fabrikam")
        self.account = a_stored_account(self.database, self.contoso, name="contoso")
        self.service = the_service(self.database, self.account.id)
        self.name = f"Contoso/{self.service.name}"

    def share(self, **values: Any) -> None:
        put(self.database, self.service.id, **values)

    def listen(self, name: str = "Listens", more: str = "", organization: str | None = None) -> str:
        trigger = f"{{type: defender.alert, service: {self.name}{more}}}"
        return publish(self.database, organization or self.fabrikam, name, trigger)

    def take(self, *documents: dict[str, Any]) -> Stored:
        page = prepare(documents)
        return self.database.run_now(lambda tx: store(tx, self.account.id, page, self.registry))

    def runs(self) -> list[dict[str, Any]]:
        query = sa.select(runs).order_by(runs.c.id)
        return [dict(row) for row in self.database.read_now(lambda tx: tx.all(query))]


@pytest.fixture
def two(database: Database) -> Two:
    return Two(database)


def test_a_playbook_of_another_organization_gets_the_alert_as_a_document_and_nothing_else(two: Two) -> None:
    two.share(shared_with=[two.fabrikam])
    own = a_stored_account(two.database, two.fabrikam, name="fabrikam")
    two.listen()
    done = two.take(an_alert("a", title="Ransomware"))
    (run,) = two.runs()
    assert done.runs == (run["id"],)
    assert (run["organization_id"], run["account_id"], run["alert_id"]) == (two.fabrikam, own.id, None)
    assert run["trigger"]["service"] == two.name
    claimed = two.database.run_now(lambda tx: rows.claim(tx, run["id"], owner="w", lease=30.0))
    assert claimed is not None
    assert claimed.trigger["alert"]["title"] == "Ransomware"
    assert two.take(an_alert("a", title="Ransomware")).runs == ()


def test_nobody_listens_to_what_is_not_shared_with_them_or_is_off_or_while_frozen(two: Two) -> None:
    two.share(everybody=True)
    two.listen()
    third = an_organization(two.database, "Third")
    two.share(everybody=False, shared_with=[third])
    assert two.take(an_alert("a")).runs == ()
    two.share(everybody=True, enabled=False)
    assert two.take(an_alert("b")).runs == ()
    two.share(enabled=True)
    two.database.run_now(lambda tx: organizations.stand(tx, two.fabrikam, State.FROZEN, "Test"))
    assert two.take(an_alert("c")).runs == ()
    two.database.run_now(lambda tx: organizations.stand(tx, two.fabrikam, State.ACTIVE, "Test"))
    assert len(two.take(an_alert("d")).runs) == 1


def test_the_trigger_of_the_listener_decides_and_one_run_is_for_one_machine(two: Two) -> None:
    two.share(everybody=True)
    two.listen(more=", severity: [High], run_per: machine, window: 10 min")
    assert two.take(an_alert("a", severity="Low")).runs == ()
    machine: dict[str, Any] = {"severity": "High", "machineId": "a" * 40}
    assert len(two.take(an_alert("b", **machine), an_alert("c", **machine)).runs) == 1
    assert two.take(an_alert("d", **machine)).runs == ()
    assert len(two.take(an_alert("e", severity="High", machineId="b" * 40)).runs) == 1


def test_a_playbook_may_name_what_is_shared_and_is_told_when_it_is_off(two: Two) -> None:
    assert two.database.read_now(lambda tx: surroundings.look(tx, two.fabrikam)).services == ()
    two.share(shared_with=[two.fabrikam], enabled=False)
    (known,) = two.database.read_now(lambda tx: surroundings.look(tx, two.fabrikam)).services
    assert (known.name, known.owner, known.enabled) == (two.name, "Contoso", False)
    with pytest.raises(Invalid) as refused:
        two.listen()
    assert "is off" in refused.value.problems[0]
    assert two.database.read_now(lambda tx: library.every(tx, two.fabrikam)) == []
