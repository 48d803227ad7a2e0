"""The first steps are done when their rows say so, and are gone when all are done or nothing is left for this person."""

import httpx
import sqlalchemy as sa

from contoso import Contoso
from ringfence.organizations import service as organizations
from ringfence.security.rbac import Role, acting_as
from ringfence.storage import Database
from ringfence.storage.tables import channels
from ringfence.web.first_steps import Step, read


def steps_of(database: Database, organization_id: str, role: Role = Role.SYSTEM_ADMINISTRATOR) -> tuple[Step, ...]:
    actor = acting_as(role, user_id="7", name="ines", organization_id=organization_id, label="x", how="session")
    return database.read_now(lambda tx: read(tx, actor))


def test_an_empty_organization_begins_with_an_account(embedded: Database) -> None:
    empty = embedded.run_now(lambda tx: organizations.create(tx, "Fabrikam"))
    found = steps_of(embedded, empty.id)
    assert [each.done for each in found] == [False] * 6
    assert found[0].address == "/accounts/new"
    # A reader could do nothing but look at services.
    assert steps_of(embedded, empty.id, Role.READ_ONLY)


def test_what_is_there_is_done(embedded: Database, contoso: Contoso) -> None:
    found = {each.name: each.done for each in steps_of(embedded, contoso.organization_id)}
    assert found["Connect a tenant"]
    assert found["See alerts come"]
    assert found["Choose a playbook"]
    embedded.run_now(lambda tx: tx.execute(sa.delete(channels)))
    assert not {each.name: each.done for each in steps_of(embedded, contoso.organization_id)}["Let people be told"]


async def test_the_overview_leads_on_and_each_step_to_a_page_that_is_there(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(channels)))
    page = (await client.get("/")).text
    # Whoever has rehearsed sees only what is left.
    assert "Still to do" in page
    assert "Connect a tenant" not in page
    for each in steps_of(embedded, contoso.organization_id):
        assert (await client.get(each.address)).status_code == 200, each
