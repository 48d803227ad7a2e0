import io
import re
import zipfile

import httpx
import pytest

from contoso import Contoso
from ringfence.organizations import members
from ringfence.security.rbac import Role
from ringfence.storage import Database
from webfixtures import sign_in


@pytest.fixture
def administrator(visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> httpx.AsyncClient:
    """Give the browser of a System Administrator."""
    role = Role.SYSTEM_ADMINISTRATOR
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "a system administrator", role))
    sign_in(visitor, embedded, user_id)
    return visitor


async def test_who_runs_the_installation_sees_whether_it_is_well(administrator: httpx.AsyncClient) -> None:
    page = await administrator.get("/installation")
    assert page.status_code == 200
    assert re.search(r"[1-9]\d* findings? to mend, [1-9]\d* to look at", page.text)
    assert "Take one every day: ringfence db backup FOLDER" in page.text
    assert 'href="/installation"' in page.text


async def test_the_support_bundle_is_a_zip_to_keep(administrator: httpx.AsyncClient) -> None:
    answer = await administrator.get("/installation/support-bundle")
    assert answer.headers["content-disposition"].startswith('attachment; filename="ringfence-support-')
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        assert "ringfence-support/health.json" in file.namelist()


async def test_nobody_else_sees_it(client: httpx.AsyncClient) -> None:
    assert (await client.get("/installation")).status_code == 403
    assert 'href="/installation"' not in (await client.get("/alerts")).text
