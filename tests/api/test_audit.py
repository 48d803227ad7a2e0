import json

import httpx
import sqlalchemy as sa

from ringfence.audit import heads, log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries
from ringfence.web import Services
from webfixtures import csrf


async def test_entries_are_listed_by_pages_and_filtered(
    client: httpx.AsyncClient, embedded: Database, contoso: object
) -> None:
    first = (await client.get("/api/v1/audit?limit=1")).json()
    assert first["items"][0]["event"] == "sign_in:succeeded"
    assert first["items"][0]["sentence"] == "A person signed in."
    if first["next"] is not None:
        older = (await client.get(f"/api/v1/audit?limit=1&cursor={first['next']}")).json()
        assert older["items"][0]["number"] == first["items"][0]["number"] - 1
    found = (await client.get("/api/v1/audit?event=sign_in")).json()["items"]
    assert {each["subject"] for each in found} == {"sign_in"}
    assert (await client.get("/api/v1/audit?event=nonsense")).status_code == 400


async def test_entries_are_taken_away_as_a_file(client: httpx.AsyncClient) -> None:
    lines = (await client.get("/api/v1/audit/export?event=sign_in&since=2020-01-01T00:00:00Z")).text.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["sign_in:succeeded"]
    taken = await client.get("/api/v1/audit/export?format=csv&until=2020-01-01T00:00:00Z")
    assert taken.headers["content-type"] == "text/csv; charset=utf-8"
    assert len(taken.text.splitlines()) == 1


async def test_a_check_says_whether_the_chain_is_whole(client: httpx.AsyncClient, embedded: Database) -> None:
    assert (await client.get("/api/v1/audit/verification")).json()["sound"] is True
    embedded.run_now(lambda tx: tx.execute(sa.update(audit_entries).values(actor="nobody")))
    said = (await client.get("/api/v1/audit/verification")).json()
    assert said["sound"] is False
    assert said["problems"][0]["fault"] == "changed"


async def test_nobody_sees_another_organizations_entries_or_any_without_signing_in(
    client: httpx.AsyncClient, visitor: httpx.AsyncClient, embedded: Database
) -> None:
    write = {"actor": "somebody", "via": Via.PAGE}
    embedded.run_now(lambda tx: log.write(tx, Event.POLICY_CHANGED, "another", "1", **write))  # type: ignore[arg-type]
    assert (await client.get("/api/v1/audit?actor=somebody")).json()["items"] == []
    for address in ("/api/v1/audit", "/api/v1/audit/verification", "/api/v1/audit/export"):
        assert (await visitor.get(address)).status_code == 401


async def test_a_head_is_signed_on_demand_and_proven_by_the_public_key(
    client: httpx.AsyncClient, embedded: Database, services: Services
) -> None:
    public = (await client.get("/api/v1/audit/key")).json()
    assert public["pem"].startswith("-----BEGIN PUBLIC KEY-----")
    assert (await client.post("/api/v1/audit/head")).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    signed = (await client.post("/api/v1/audit/head")).json()
    assert signed["key"] == public["key"]
    (kept,) = heads.kept(services.settings.audit_heads_file)
    assert (kept.number, kept.signature) == (signed["number"], signed["signature"])
    assert heads.is_genuine(kept, heads.read_public(public["pem"]))
    assert (await client.get("/api/v1/audit/verification")).json()["signed_heads"] == 1
    services.settings.audit_heads_file.unlink()
    services.settings.audit_heads_file.mkdir()
    broken = await client.post("/api/v1/audit/head")
    assert (broken.status_code, broken.json()["code"]) == (503, "unavailable")
