from collections.abc import AsyncIterator

import httpx
import pytest
import sqlalchemy as sa

from contoso import Contoso
from pretend_provider import CLIENT, ISSUER, SECRET, PretendProvider
from ringfence.security import providers
from ringfence.security.providers import Provider
from ringfence.security.rbac import Role
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries, identity_providers
from ringfence.web import Services, create_web
from webfixtures import csrf, form_fields, open_client, sign_in

_ENTERED = {
    "name": "contoso",
    "label": "Contoso",
    "issuer": ISSUER,
    "client_id": CLIENT,
    "secret": SECRET,
    "groups_claim": "roles",
    "mapping": "soc=responder\n\nCN=x,O=y=analyst",
    "domains": "Contoso.com",
}


@pytest.fixture(scope="module")
def provider() -> PretendProvider:
    return PretendProvider()


@pytest.fixture
async def client(
    services: Services, provider: PretendProvider, embedded: Database, contoso: Contoso
) -> AsyncIterator[httpx.AsyncClient]:
    provider.listed = [provider.public(provider.key)]
    async with open_client(create_web(services, providers=provider.transport)) as client:
        sign_in(client, embedded, contoso.user_id)
        yield client


async def _send(client: httpx.AsyncClient, database: Database, path: str = "", **values: str) -> httpx.Response:
    return await client.post(f"/identity-providers{path}", data={"csrf": csrf(client, database), **values})


def _kept(database: Database, contoso: Contoso) -> list[Provider]:
    return database.read_now(lambda tx: providers.every(tx, contoso.organization_id))


async def test_a_provider_that_answers_is_saved_changed_switched_off_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert (await _send(client, embedded, **_ENTERED)).status_code == 303
    (saved,) = _kept(embedded, contoso)
    assert (saved.groups_claim, saved.domains, saved.has_secret, saved.enabled) == (
        "roles",
        ("contoso.com",),
        True,
        True,
    )
    assert [(each.group, each.role) for each in saved.mapping] == [
        ("soc", Role.RESPONDER),
        ("CN=x,O=y", Role.ANALYST),
    ]
    assert saved.tested_at is not None
    page = (await client.get("/identity-providers?edit=contoso")).text
    for words in ("soc=responder", "/sign-in/provider/contoso/callback", "Change contoso"):
        assert words in page, words
    assert SECRET not in page
    new = await _send(client, embedded, **_ENTERED)
    assert (new.status_code, "There is one of this name already." in new.text) == (412, True)
    # An empty secret leaves it as it was.
    opened = _ENTERED | {"secret": ""} | form_fields(page, "about", "seen")
    assert (await _send(client, embedded, **opened | {"label": "Contoso 2"})).status_code == 303
    late = await _send(client, embedded, **opened | {"mapping": "soc=analyst"})
    assert late.status_code == 412
    for words in ("Somebody has changed it", "What you typed is kept", "soc=analyst"):
        assert words in late.text, words
    assert _kept(embedded, contoso)[0].mapping == saved.mapping
    again = opened | {"label": "Contoso 2"} | form_fields(late.text, "about", "seen")
    assert (await _send(client, embedded, **again | {"mapping": "soc=read_only"})).status_code == 303
    assert [each.role for each in _kept(embedded, contoso)[0].mapping] == [Role.READ_ONLY]
    assert (await _send(client, embedded, "/contoso/disable")).status_code == 303
    (off,) = _kept(embedded, contoso)
    assert (off.enabled, off.label, off.has_secret) == (False, "Contoso 2", True)
    left = await client.get("/sign-in/provider/contoso")
    assert left.status_code == 401
    assert "is switched off" in left.text
    assert embedded.read_now(lambda tx: providers.for_name(tx, "megan@contoso.com")) is None
    assert (await _send(client, embedded, "/contoso/enable")).status_code == 303
    assert (await client.get("/sign-in/provider/contoso")).headers["location"].startswith(f"{ISSUER}/authorize")
    assert (await _send(client, embedded, "/contoso/remove")).status_code == 303
    assert _kept(embedded, contoso) == []
    wanted = audit_entries.c.event.like("identity_provider:%")
    told = embedded.read_now(lambda tx: tx.all(sa.select(audit_entries.c.event).where(wanted)))
    assert [each["event"].partition(":")[2] for each in told] == [
        "added",
        "changed",
        "changed",
        "changed",
        "changed",
        "removed",
    ]


async def test_what_does_not_answer_as_a_provider_does_is_not_saved_and_nothing_typed_is_lost(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, provider: PretendProvider
) -> None:
    provider.listed = []
    refused = await _send(client, embedded, **_ENTERED)
    assert refused.status_code == 401
    for words in ("no public key", "soc=responder", ISSUER):
        assert words in refused.text, words
    assert SECRET not in refused.text
    for wrong in ({"issuer": "http://login.contoso.com"}, {"mapping": "soc"}, {"name": "A b"}, {"default_role": "x"}):
        assert (await _send(client, embedded, **_ENTERED | wrong)).status_code == 400
    assert _kept(embedded, contoso) == []


async def test_what_went_wrong_last_is_shown_to_administrators(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, provider: PretendProvider
) -> None:
    await _send(client, embedded, **_ENTERED)
    provider.listed = []
    assert (await _send(client, embedded, "/contoso/test")).status_code == 401
    assert "Last error" in (await client.get("/identity-providers")).text
    embedded.run_now(lambda tx: tx.execute(sa.update(identity_providers).values(error="")))
    provider.listed = [provider.public(provider.key)]
    assert (await _send(client, embedded, "/contoso/test")).status_code == 303
    # Somebody comes back with an answer that is none.
    away = await client.get("/sign-in/provider/contoso")
    assert away.status_code == 303
    await client.get("/sign-in/provider/contoso/callback?state=forged&code=x")
    assert "does not belong to this sign-in" in _kept(embedded, contoso)[0].error
