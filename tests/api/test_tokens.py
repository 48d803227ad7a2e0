import httpx

from ringfence.storage import Database
from webfixtures import csrf

_TOKENS = "/api/v1/tokens"


async def test_tokens_are_made_listed_and_revoked(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database
) -> None:
    form = {"X-CSRF-Token": csrf(client, embedded)}
    new = {"name": "collector", "scopes": ["alert:read"], "role": "read_only"}
    made = await client.post(_TOKENS, json=new, headers=form)
    assert made.status_code == 201, made.text
    token, secret = made.json()["token"], made.json()["secret"]
    bearer = {"Authorization": f"Bearer {secret}"}
    assert (await visitor.get("/api/v1/alerts", headers=bearer)).status_code == 200
    assert (await visitor.post(_TOKENS, json=new, headers=bearer)).status_code == 403
    assert (await client.get(_TOKENS)).json()["items"] == []
    listed = (await client.get(_TOKENS, params={"every": True})).json()["items"]
    assert [each["id"] for each in listed] == [token["id"]]
    assert secret not in str(listed)
    assert (await client.delete(f"{_TOKENS}/{token['id']}", headers=form)).status_code == 204
    assert (await visitor.get("/api/v1/alerts", headers=bearer)).status_code == 401
    assert (await client.delete(f"{_TOKENS}/unknown", headers=form)).status_code == 404
    for wrong in ({"scopes": ["*"]}, {"days": 366}, {"name": ""}):
        assert (await client.post(_TOKENS, json=new | wrong, headers=form)).status_code == 400
