import re
from dataclasses import fields

import httpx

from accounts_samples import signed_in
from contoso import Contoso
from microsoft import aadsts
from ringfence.accounts import records
from ringfence.accounts.model import AccountState
from ringfence.accounts.permissions import FEATURES, needs
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.services import records as services
from ringfence.storage import Database
from ringfence.web.account_wizard import Held, Values
from ringfence.web.services import Services
from webfixtures import csrf
from webserver import Asked

ENTERED = {
    "name": "fabrikam",
    "tenant_id": "7a1f3c52-0c5e-4b8e-9d2f-0000000000aa",
    "client_id": "7a1f3c52-0c5e-4b8e-9d2f-0000000000bb",
    "secret": "s3cret~of-fabrikam",
    "feature": "users",
}


def sealed_in(page: str) -> str:
    found = re.search(r'name="sealed" value="([^"]+)"', page)
    assert found is not None
    return found[1]


async def send(client: httpx.AsyncClient, database: Database, **values: str) -> httpx.Response:
    return await client.post("/accounts/new", data={"csrf": csrf(client, database), **values})


async def test_each_step_leads_to_the_next_and_carries_what_was_chosen(client: httpx.AsyncClient) -> None:
    first = (await client.get("/accounts/new")).text
    assert all(each.title.replace("'", "&#39;") in first for each in FEATURES.values())
    second = (await client.get("/accounts/new?step=register&cloud=gcc&feature=indicators&name=Tier one")).text
    for need in needs(("indicators",)):
        assert need.role in second
    for words in ("az ad app create", "requiredResourceAccess", "single tenant", "step=choose", "Tier one"):
        assert words in second, words
    assert "User.Read.All" not in second
    government = (await client.get("/accounts/new?step=register&cloud=dod&feature=users")).text
    for words in ("Not verified for US Government DoD", "https://dod-graph.microsoft.us", "requiredResourceAccess"):
        assert words in government, words
    third = (await client.get("/accounts/new?step=connect&cloud=dod&feature=users")).text
    assert 'name="cloud" value="dod"' in third
    odd = await client.get("/accounts/new?step=nonsense&cloud=mars&feature=fly&region=x")
    assert odd.status_code == 200


async def test_an_account_that_works_is_connected_and_its_secret_is_on_no_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    asked.microsoft.logins = [signed_in([*NEEDED_ROLES, "Machine.Offboard"]), signed_in(())]
    answer = await send(client, embedded, **ENTERED, region="EU", expires_on="2099-01-31")
    assert answer.status_code == 303
    saved = embedded.read_now(lambda tx: records.by_name(tx, contoso.organization_id, "fabrikam"))
    assert answer.headers["location"] == f"/accounts/{saved.id}"
    assert (saved.state, saved.region, saved.features) == (AccountState.HEALTHY, "EU", ("contain", "users"))
    page = (await client.get(f"/accounts/{saved.id}")).text
    assert ENTERED["secret"] not in page
    # More was granted than these features need.
    assert "Superfluous" in page
    assert "Machine.Offboard" in page


async def test_what_does_not_work_is_said_and_can_be_tried_again_or_kept_without_entering_the_secret_again(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    wrong = aadsts(7000215, "invalid_client", 401)
    asked.microsoft.logins = [wrong, wrong, signed_in(), signed_in(())]
    refused = await send(client, embedded, **ENTERED)
    assert refused.status_code == 400
    assert "AADSTS7000215" in refused.text
    assert "not its id" in refused.text
    assert ENTERED["secret"] not in refused.text
    assert "fabrikam" not in [
        each.name for each in embedded.read_now(lambda tx: records.every(tx, contoso.organization_id))
    ]
    again = {**ENTERED, "secret": "", "sealed": sealed_in(refused.text)}
    kept = await send(client, embedded, **again, do="keep")
    assert kept.status_code == 303
    saved = embedded.read_now(lambda tx: records.by_name(tx, contoso.organization_id, "fabrikam"))
    assert saved.state is AccountState.PENDING
    page = (await client.get(kept.headers["location"])).text
    assert "Pending" in page
    assert "AADSTS7000215" in page
    worked = await send(client, embedded, **{**again, "name": "other"})
    assert worked.status_code == 303
    assert asked.microsoft.sign_ins[-2]["client_secret"] == [ENTERED["secret"]]


async def test_a_certificate_is_made_here_and_only_its_public_part_leaves(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    asked.microsoft.logins = [signed_in(), signed_in(())]
    entered = {**ENTERED, "secret": ""}
    made = await send(client, embedded, **entered, do="generate")
    assert "Download the public part" in made.text
    assert "PRIVATE KEY" not in made.text
    sealed = sealed_in(made.text)
    file = await send(client, embedded, **entered, sealed=sealed, do="download")
    assert file.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY" not in file.text
    connected = await send(client, embedded, **entered, sealed=sealed)
    assert connected.status_code == 303
    saved = embedded.read_now(lambda tx: records.by_name(tx, contoso.organization_id, "fabrikam"))
    assert saved.certificate_thumbprint
    assert saved.certificate_thumbprint in made.text
    assert (await client.get(f"/accounts/{saved.id}/certificate")).text == file.text


async def test_hostile_and_unusable_input_is_refused_with_advice_and_nobody_is_asked(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    cases = [
        ({"name": ""}, "cannot be an account"),
        ({"secret": ""}, "client secret is empty"),
        ({"sealed": "v1:x:y:z", "secret": ""}, "client secret is empty"),
        ({"expires_on": "31.1.2099"}, "is no date"),
        ({"tenant_id": ENTERED["client_id"]}, "are the same"),
        ({"login_url": "https://10.0.0.1", "api_url": "https://10.0.0.1"}, "not a public address"),
        ({"name": "contoso"}, "already is an account"),
        ({"name": "<script>", "client_id": ""}, "client id is empty"),
    ]
    for changed, said in cases:
        answer = await send(client, embedded, **{**ENTERED, **changed})
        assert answer.status_code >= 400, changed
        assert said in answer.text, changed
        assert "<script>" not in answer.text.replace("<script ", "")
    assert asked.microsoft.sign_ins == []
    bad = await client.post(
        "/accounts/new", data={"csrf": csrf(client, embedded), **ENTERED}, files={"file": ("x.pem", b"nonsense")}
    )
    assert "no private key" in bad.text or "no certificate" in bad.text


def test_secrets_are_in_no_text_of_what_is_held() -> None:
    assert "s3cret" not in repr(Held("s3cret"))
    assert Values(name="a b", features=("users",)).query == "cloud=commercial&name=a+b&feature=users"
    assert "accounts" in {each.name for each in fields(Services)}


async def test_a_simulated_tenant_is_connected_once_by_one_button(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    assert "Connect a simulated tenant" in (await client.get("/accounts/new")).text
    granted = [role for each in needs(tuple(FEATURES)) for role in [each.role]]
    asked.microsoft.logins = [signed_in(granted) for _ in range(3)]
    for _ in range(2):
        answer = await client.post("/accounts/simulated", data={"csrf": csrf(client, embedded)})
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), answer.text
    saved = embedded.read_now(lambda tx: records.by_name(tx, contoso.organization_id, "simulated"))
    assert (saved.login_url, saved.tenant_id) == ("http://127.0.0.1:8900", "7a1f3c52-aa")
    assert [each.start_at_once for each in embedded.read_now(lambda tx: services.of_account(tx, saved.id))] == [True]
