import httpx

from contoso import Contoso, rule_everywhere
from ringfence.storage import Database
from webfixtures import csrf


async def test_keys_are_shown_and_rotated_with_what_is_left_to_be_seen(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    page = (await client.get("/keys")).text
    assert "There is no key yet" in page
    assert "Rotate this organization" not in page
    assert "rotate-audit" not in page
    rotated = await client.post("/keys/rotate", data={"csrf": csrf(client, embedded)})
    assert rotated.headers["location"] == "/keys"
    refused = await client.post("/keys/none/retire", data={"csrf": csrf(client, embedded)})
    assert refused.status_code == 404
    assert "no such key" in refused.text
    embedded.run_now(lambda tx: rule_everywhere(tx, contoso))
    for what in ("audit", "master"):
        done = await client.post(f"/keys/rotate-{what}", data={"csrf": csrf(client, embedded)})
        assert done.status_code == 303, done.text
    assert "Before:" in (await client.get("/keys")).text
