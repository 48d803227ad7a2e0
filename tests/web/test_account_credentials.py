import httpx
import pytest
import sqlalchemy as sa

from accounts_samples import signed_in
from contoso import Contoso
from microsoft import aadsts
from outside import key_pair
from ringfence.accounts import credentials, records
from ringfence.accounts.credentials import Stage
from ringfence.accounts.model import Account
from ringfence.storage import Database
from ringfence.storage.tables import accounts
from webfixtures import csrf
from webserver import VAULT, Asked


class Desk:
    """A browser at the credentials of Contoso's account."""

    def __init__(self, client: httpx.AsyncClient, database: Database, contoso: Contoso, asked: Asked) -> None:
        self.client, self.database, self.contoso, self.microsoft = client, database, contoso, asked.microsoft
        self.path = f"/accounts/{contoso.account_id}/credentials"
        sealed = VAULT.seal(contoso.organization_id, f"account-secret:{contoso.account_id}", "the-old-one")
        database.run_now(lambda tx: tx.execute(sa.update(accounts).values(secret_sealed=sealed, cloud="commercial")))

    async def do(self, what: str, **values: str) -> httpx.Response:
        return await self.client.post(self.path, data={"csrf": csrf(self.client, self.database), "do": what, **values})

    def stage(self) -> Stage | None:
        found = self.database.read_now(lambda tx: credentials.beside(tx, self.contoso.account_id))
        return found.stage if found is not None else None

    def account(self) -> Account:
        return self.database.read_now(lambda tx: records.by_id(tx, self.contoso.account_id))


@pytest.fixture
def desk(client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked) -> Desk:
    return Desk(client, embedded, contoso, asked)


async def test_a_new_secret_is_added_proven_switched_to_and_the_old_one_removed(desk: Desk) -> None:
    assert (await desk.do("add", secret="n3w~value", expires_on="2099-01-31")).status_code == 303
    page = (await desk.client.get(desk.path)).text
    assert "Not proven" in page
    assert "n3w~value" not in page
    desk.microsoft.logins = [aadsts(7000215, "invalid_client", 401)]
    refused = await desk.do("switch")
    assert refused.status_code == 400
    assert "the one in use stays" in refused.text
    desk.microsoft.logins = [signed_in()]
    assert (await desk.do("prove")).status_code == 303
    assert desk.stage() is Stage.PROVEN
    assert "a new one lies ready" in (await desk.client.get("/accounts")).text
    desk.microsoft.logins = [signed_in()]
    assert (await desk.do("switch")).status_code == 303
    assert desk.stage() is Stage.OLD
    assert str(desk.account().secret_expires_on) == "2099-01-31"
    assert "Switch back to it" in (await desk.client.get(desk.path)).text
    assert (await desk.do("remove")).status_code == 303
    assert desk.stage() is None


async def test_a_certificate_is_made_or_uploaded_and_its_public_part_downloaded(desk: Desk) -> None:
    assert (await desk.do("generate")).status_code == 303
    assert "second credential already" in (await desk.do("generate")).text
    public = await desk.client.get(f"/accounts/{desk.contoso.account_id}/certificate")
    assert public.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE" not in public.text
    await desk.do("remove")
    pair = key_pair()
    given = {"csrf": csrf(desk.client, desk.database), "do": "add"}
    sent = await desk.client.post(
        desk.path, data=given, files={"file": ("c.pem", pair.certificate), "key": ("k.pem", pair.key)}
    )
    assert sent.status_code == 303
    assert desk.stage() is Stage.NEW


async def test_what_is_missing_is_said(desk: Desk) -> None:
    assert "Neither a secret nor a certificate" in (await desk.do("add")).text
    assert "one credential only" in (await desk.do("switch")).text
    assert (await desk.client.get(f"/accounts/{desk.contoso.account_id}/certificate")).status_code == 400
