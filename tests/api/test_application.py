import httpx
import pytest
from fastapi import FastAPI

from contoso import Contoso, seed
from ringfence.storage import Database
from webfixtures import open_client, sign_in

_NOUNS = ("alerts", "runs", "containments", "accounts", "playbooks")


def ids(contoso: Contoso) -> dict[str, str]:
    """Return one id for each noun."""
    return {
        "alerts": contoso.alert_id,
        "runs": contoso.run_id,
        "containments": contoso.containment_id,
        "accounts": contoso.account_id,
        "playbooks": contoso.playbook_id,
    }


@pytest.mark.parametrize("noun", _NOUNS)
async def test_every_noun_has_a_list_and_its_items_by_id(
    client: httpx.AsyncClient, contoso: Contoso, noun: str
) -> None:
    listed = (await client.get(f"/api/v1/{noun}")).json()
    assert set(listed) == {"items", "next"}
    own_id = ids(contoso)[noun]
    item = next(item for item in listed["items"] if item["id"] == own_id)
    one = (await client.get(f"/api/v1/{noun}/{own_id}")).json()
    assert {key: one[key] for key in item} == item


@pytest.mark.parametrize("noun", _NOUNS)
async def test_another_organization_sees_nothing_of_it(
    app: FastAPI, embedded: Database, contoso: Contoso, noun: str
) -> None:
    other = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    async with open_client(app) as stranger:
        sign_in(stranger, embedded, other.user_id)
        listed = (await stranger.get(f"/api/v1/{noun}")).json()["items"]
        assert ids(contoso)[noun] not in {item["id"] for item in listed}
        answer = await stranger.get(f"/api/v1/{noun}/{ids(contoso)[noun]}")
        assert answer.status_code == 404
        assert answer.json()["code"] == "not_found"


async def test_the_contract_names_every_noun_and_the_shape_of_errors(client: httpx.AsyncClient) -> None:
    contract = (await client.get("/api/v1/openapi.json")).json()
    assert {f"/{noun}" for noun in _NOUNS} <= set(contract["paths"])
    assert "Problem" in contract["components"]["schemas"]
    assert "default" in contract["paths"]["/alerts"]["get"]["responses"]
    assert contract["servers"] == [{"url": "/api/v1"}]
