import sqlalchemy as sa

from contoso import seed
from ringfence import clock
from ringfence.containment import holders
from ringfence.containment.holders import Holder
from ringfence.incidents import queue
from ringfence.storage import Database
from ringfence.storage.tables import containments


def test_a_run_and_an_incident_are_named_by_their_key_and_nobody_of_another_organization(embedded: Database) -> None:
    contoso = embedded.run_now(seed)
    run, person = f"{contoso.run_id}:isolate:0", f"person:{clock.new_id()}"
    own = contoso.organization_id
    incident = embedded.read_now(lambda tx: queue.get(tx, own, contoso.incident_number))
    held = f"incident:{incident.id}:x"
    found = embedded.read_now(lambda tx: holders.found(tx, own, [run, held, person]))
    assert found[run].run_id == contoso.run_id
    assert found[run].playbook
    assert found[held] == Holder(incident=contoso.incident_number)
    assert found[person] == Holder()
    mine = sa.update(containments).where(containments.c.id == contoso.containment_id)
    embedded.run_now(lambda tx: tx.execute(mine.values(request_key=person, requested_by="ines")))
    assert embedded.read_now(lambda tx: holders.found(tx, own, [person])) == {person: Holder(person="ines")}
    others = embedded.read_now(lambda tx: holders.found(tx, "fabrikam", [run, held]))
    assert set(others.values()) == {Holder()}
