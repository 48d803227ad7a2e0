"""What published playbooks name keeps its name."""

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from foreign import tickets
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.apps.making import edit, make
from ringfence.apps.shelf import shelf
from ringfence.errors import Conflict
from ringfence.organizations.model import Organization
from ringfence.playbooks import library
from ringfence.playbooks.naming import rename_organization
from ringfence.services.model import Service
from ringfence.services.service import Wanted
from ringfence.storage import Database
from ringfence.storage.tables import playbooks

__all__ = ["tickets"]


def test_a_service_that_published_playbooks_name_keeps_its_name(database: Database, tickets: Catalogue) -> None:
    here, there = an_organization(database), an_organization(database, "Fabrikam")
    account, known = a_stored_account(database, here).id, shelf(tickets)
    service = database.run_now(
        lambda tx: make(tx, tickets, known, here, "north", Wanted(source="defender", shared_with=(there,)), account)
    )

    def listens(organization: str, name: str, to: str) -> None:
        text = (
            f"ringfence: 1\nname: {name}\ntrigger: {{type: defender.alert, service: {to}}}\nsteps:\n"
            "  go: {action: logic.set, with: {values: {}}}\n"
        )
        database.run_now(lambda tx: library.publish(tx, organization, text, "ada", catalogue=discover()))

    def renamed(to: str) -> Service:
        return database.run_now(lambda tx: edit(tx, tickets, known, service, Wanted(name=to)))

    def called(to: str) -> Organization:
        return database.run_now(lambda tx: rename_organization(tx, here, to))

    listens(there, "Theirs", "Contoso/north")
    with pytest.raises(Conflict, match="by its name: 1 of other organizations"):
        renamed("south")
    with pytest.raises(Conflict, match="services of 'Contoso' by its name: 1 to 'north'"):
        called("Contoso Ltd")
    assert called("Contoso").name == "Contoso"
    listens(here, "Ours", "north")
    with pytest.raises(Conflict, match="by its name: Ours, 1 of other organizations"):
        renamed("south")
    assert renamed("north").name == "north"
    for organization in (here, there):
        database.run_now(
            lambda tx, organization=organization: tx.execute(  # type: ignore[misc]
                sa.update(playbooks).where(playbooks.c.organization_id == organization).values(state="retired")
            )
        )
    assert renamed("south").name == "south"
    assert called("Contoso Ltd").name == "Contoso Ltd"
