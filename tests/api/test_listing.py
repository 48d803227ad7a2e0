import httpx
import pytest

from api_contract import document
from contoso import Contoso
from ringfence.api.contract import operations
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.storage import Database
from webfixtures import csrf


@pytest.mark.parametrize(("noun", "number"), [("alerts", 12), ("runs", 3), ("containments", 6)])
async def test_pages_follow_each_other_without_gap_or_double(client: httpx.AsyncClient, noun: str, number: int) -> None:
    seen: list[str] = []
    query: dict[str, str | int] = {"limit": 2}
    while True:
        page = (await client.get(f"/api/v1/{noun}", params=query)).json()
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        query["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == number


async def test_what_belongs_to_an_account_and_to_a_playbook_comes_in_pages_too(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    mine = f"/api/v1/accounts/{contoso.account_id}"
    said = {"actor": "megan.bowen", "via": Via.PAGE}
    for event in (Event.ACCOUNT_CHANGED, Event.ACCOUNT_DISABLED):
        embedded.run_now(lambda tx: log.write(tx, event, contoso.organization_id, contoso.account_id, **said))  # type: ignore[arg-type]  # noqa: B023
    tried = f"/api/v1/playbooks/{contoso.playbook_id}"
    for days in (1, 2, 3):
        assert (await client.post(f"{tried}/backtest", json={"days": days})).status_code == 202
    lists = {
        "/api/v1/accounts": 2,
        "/api/v1/account-features": 9,
        f"{mine}/uses": 2,
        f"{mine}/history": 2,
        f"{mine}/budget": 2,
        f"{tried}/trials?kind=backtest": 2,
    }
    for address, least in lists.items():
        whole = (await client.get(address)).json()
        assert len(whole["items"]) >= least, (address, whole)
        found, link = [], address + ("&" if "?" in address else "?") + "limit=1"
        while link:
            page = await client.get(link)
            found += page.json()["items"]
            link = page.links["next"]["url"] if "next" in page.links else ""
        assert found == whole["items"], address


async def test_a_cursor_that_is_none_was_changed_or_is_of_another_list_is_refused(client: httpx.AsyncClient) -> None:
    good = (await client.get("/api/v1/alerts?limit=1")).json()["next"]
    changed = good[:-1] + ("0" if good[-1] != "0" else "1")
    for noun, cursor in (("alerts", "made-up"), ("alerts", changed), ("runs", good), ("tables", good), ("runs", "é~é")):
        answer = await client.get(f"/api/v1/{noun}", params={"cursor": cursor})
        assert answer.status_code == 400, (noun, cursor)
        assert "cursor" in answer.json()["detail"]


async def test_the_next_page_is_named_in_a_header_too(client: httpx.AsyncClient) -> None:
    first = await client.get("/api/v1/alerts?limit=2&severity=High")
    link = first.links["next"]["url"]
    assert link.startswith("/api/v1/alerts?limit=2&severity=High&cursor=")
    second = await client.get(link)
    assert len(second.json()["items"]) == 2
    assert second.json()["next"] is None
    assert "link" not in second.headers


async def test_what_comes_in_meanwhile_neither_doubles_nor_hides_an_item(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    for name in ("b", "d", "f"):
        await client.post("/api/v1/tables", json={"name": name})
    first = (await client.get("/api/v1/tables?limit=1")).json()
    await client.delete("/api/v1/tables/b")
    for name in ("a", "c"):
        await client.post("/api/v1/tables", json={"name": name})
    rest = (await client.get("/api/v1/tables", params={"cursor": first["next"]})).json()
    assert [each["name"] for each in first["items"] + rest["items"]] == ["b", "c", "d", "f"]
    assert rest["next"] is None


def test_every_list_has_pages() -> None:
    """But for the answers to values that were asked for."""
    without = []
    for _, method, operation in operations(document()):
        content = operation["responses"].get("200", {}).get("content", {}).get("application/json", {})
        named = {each["name"] for each in operation.get("parameters", ())}
        if method == "get" and content.get("schema", {}).get("$ref", "").endswith("Listing") and "cursor" not in named:
            without.append(operation["operationId"])
    assert without == ["tables_lookup"]
