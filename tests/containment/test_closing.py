"""What a frozen and a closed organization mean for the engine."""

import pytest

from contoso import Contoso, seed
from ringfence.containment import closing, policies
from ringfence.errors import Conflict
from ringfence.organizations import service
from ringfence.organizations.model import State
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.services import records
from ringfence.storage import Database, tables
from ringfence.triggers.listening import Listening
from ringfence.triggers.registry import Registry


@pytest.fixture
def contoso(embedded: Database) -> Contoso:
    return embedded.run_now(seed)


def test_an_organization_whose_hosts_are_held_is_not_closed(embedded: Database, contoso: Contoso) -> None:
    held = tables.containments.update().where(tables.containments.c.id == contoso.containment_id)
    embedded.run_now(lambda tx: tx.execute(held.values(live_key="held")))
    with pytest.raises(Conflict, match="Something is still done to 1 host") as caught:
        embedded.run_now(lambda tx: closing.close(tx, contoso.organization_id, "Over"))
    assert "Release" in caught.value.advice
    embedded.run_now(lambda tx: tx.execute(held.values(live_key=None)))
    closed = embedded.run_now(lambda tx: closing.close(tx, contoso.organization_id, "Over"))
    assert (closed.state, closed.state_reason) == (State.CLOSED, "Over")
    assert embedded.read_now(records.switched_on) == []


def test_nothing_new_is_begun_in_a_frozen_organization_until_it_is_opened(embedded: Database, contoso: Contoso) -> None:
    here = contoso.organization_id

    def paused() -> tuple[bool, bool, bool]:
        with embedded.reading() as tx:
            active = Registry().of_organization(tx, here)
            heard = Listening().of(tx, here, DefenderAlertTrigger)
            frozen = policies.standing(tx, here).effective.policy.frozen
        return all(each.paused for each in active), all(each.paused for each in heard), frozen

    assert paused() == (False, False, False)
    embedded.run_now(lambda tx: service.stand(tx, here, State.FROZEN, "Audit"))
    assert paused() == (True, True, True)
    assert embedded.read_now(records.switched_on) != []
    embedded.run_now(lambda tx: service.stand(tx, here, State.ACTIVE, "Done"))
    assert paused() == (False, False, False)
