"""Saved filters and columns on the pages: by plain forms, as they work without JavaScript."""

import csv
import io
import re
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI

from contoso import Contoso
from every_route import addresses
from response_samples import a_response
from ringfence.organizations import members
from ringfence.responses.kinds import Kind
from ringfence.security.rbac import Actor, Role
from ringfence.storage import Database
from ringfence.views import saved
from ringfence.views.lists import LISTS
from webfixtures import csrf, open_client, sign_in


async def keep(client: httpx.AsyncClient, database: Database, name: str, query: str, **more: str) -> httpx.Response:
    form = {"csrf": csrf(client, database), "list": "alerts", "name": name, "query": query}
    return await client.post("/filters", data=form | more)


def cells(page: str) -> Iterator[tuple[int, set[int]]]:
    """Yield of each table how many heads it has, and how many cells its rows have."""
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        head, _, body = table.partition("</thead>")
        rows = re.findall(r"<tr\b.*?</tr>", body, re.DOTALL)
        yield len(re.findall(r"<th\b", head)), {len(re.findall(r"<td\b", row)) for row in rows}


async def test_a_filter_is_saved_from_its_list_and_found_there_and_in_the_palette(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    page = (await client.get("/alerts?severity=High&q=ws")).text
    assert 'name="query" value="severity=High&amp;q=ws"' in page
    made = await keep(client, embedded, "High ones", "severity=High&q=ws", shared="yes")
    assert (made.status_code, made.headers["location"]) == (303, "/alerts?severity=High&q=ws")
    page = (await client.get("/alerts")).text
    assert 'href="/alerts?severity=High&amp;q=ws">High ones</a>' in page
    # The same filter in another order is the same filter.
    assert 'aria-current="true">High ones' in (await client.get("/alerts?q=ws&status=&severity=High")).text
    assert "High ones" in (await client.get("/palette?q=saved+high")).text
    refused = await keep(client, embedded, "", "severity=High")
    assert (refused.status_code, "cannot be a filter" in refused.text) == (400, True)


async def test_a_default_is_where_the_bare_address_leads_and_nowhere_else(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    await keep(client, embedded, "High ones", "severity=High", default="yes")
    bare = await client.get("/alerts")
    assert (bare.status_code, bare.headers["location"]) == (303, "/alerts?severity=High")
    # Whoever takes the filter away on the page, or asks for all, sees all.
    assert (await client.get("/alerts", headers={"hx-request-type": "partial"})).status_code == 200
    assert (await client.get("/alerts?csv=1")).status_code == 200
    page = (await client.get("/alerts?severity=High")).text
    assert 'href="/alerts?view=all">' in page
    assert "Clear filters" not in (await client.get("/alerts?view=all")).text
    act = re.search(r'action="(/filters/[^"]+/default)"', page)
    assert act is not None
    token = csrf(client, embedded)
    back = await client.post(act[1], data={"csrf": token, "on": "no", "back": "https://fabrikam.example/"})
    assert back.headers["location"] == "/alerts"
    assert (await client.get("/alerts")).status_code == 200


async def test_a_filter_is_renamed_shared_and_removed_by_its_owner_and_used_by_others(
    client: httpx.AsyncClient, app: FastAPI, embedded: Database, contoso: Contoso
) -> None:
    alex = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, "alex.wilber", Role.ANALYST))
    await keep(client, embedded, "High <b>ones</b>", "severity=High")
    (made,) = embedded.read_now(lambda tx: saved.visible(tx, _actor(embedded, contoso)))
    async with open_client(app) as other:
        sign_in(other, embedded, alex)
        assert "ones" not in (await other.get("/alerts?q=nothing")).text
        for what, form in (("share", {"on": "yes"}), ("rename", {"name": "Ours <i>"})):
            sent = {"csrf": csrf(client, embedded), "back": "/alerts?q=nothing"} | form
            answer = await client.post(f"/filters/{made.id}/{what}", data=sent)
            assert answer.headers["location"] == "/alerts?q=nothing"
        page = (await other.get("/alerts?q=nothing")).text
        assert "Ours &lt;i&gt;" in page
        assert "shared by megan.bowen" in page
        assert f"/filters/{made.id}/remove" not in page
        theirs = await other.post(f"/filters/{made.id}/remove", data={"csrf": csrf(other, embedded)})
        assert theirs.status_code == 403
    gone = await client.post(f"/filters/{made.id}/remove", data={"csrf": csrf(client, embedded)})
    assert gone.headers["location"] == "/alerts"


async def test_chosen_columns_are_those_of_the_page_and_of_its_csv(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    async def heads(address: str) -> list[str]:
        answer = await client.get(address)
        return next(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))

    every = await heads("/alerts?csv=1")
    sent = {"csrf": csrf(client, embedded), "column": ["owner", "created"], "back": "/alerts?q=ws"}
    assert (await client.post("/lists/alerts/columns", data=sent)).headers["location"] == "/alerts?q=ws"
    page = (await client.get("/alerts")).text
    assert re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', page) == ["Alert", "Owner", "Created"]
    assert await heads("/alerts?csv=1") == ["alert_id", "title", "id", "assigned_to", "created_at"]
    assert await heads("/alerts?csv=all") == every
    for form in ({"column": "colour"}, {"list": "approvals"}):
        name = form.pop("list", "alerts")
        answer = await client.post(f"/lists/{name}/columns", data={"csrf": csrf(client, embedded)} | form)
        assert answer.status_code == 400
    await client.post("/lists/alerts/columns", data={"csrf": csrf(client, embedded), "do": "usual"})
    assert await heads("/alerts?csv=1") == every


async def test_every_list_has_as_many_cells_as_heads_whatever_is_chosen(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    a_response(embedded, contoso, Kind.RESTRICT)
    token, wide = csrf(client, embedded), {"incidents": "?show=all", "containments": "?show=live"}
    wide |= {"isolations": "?show=others", "orphans": "?show=orphans"}
    for kind in LISTS.values():
        for keys in ([], [each.key for each in kind.columns]) if kind.columns else ():
            await client.post(f"/lists/{kind.name}/columns", data={"csrf": token, "column": keys})
            page = (await client.get(kind.address + wide.get(kind.name, ""))).text
            for many, rows in cells(page):
                assert rows in (set(), {many}), (kind.name, keys)
            titles = [f">{each.title}</th>" for each in kind.columns if each.key in keys]
            assert all(each in page for each in titles) or "<table" not in page, kind.name


async def test_columns_stand_in_the_order_that_somebody_chose_on_the_page_and_in_the_csv(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    form = {"csrf": csrf(client, embedded), "column": ["seen", "alert", "severity"]}
    await client.post("/lists/alerts/columns", data=form)
    page = (await client.get("/alerts")).text
    assert re.findall(r"<th scope=\"col\"[^>]*>(\w+)</th>", page) == ["Seen", "Alert", "Severity"]
    row = page.partition("<tbody>")[2]
    assert row.index("data-relative") < row.index('class="main') < row.index("badge tone-")
    assert (await client.get("/alerts?csv=1")).text.startswith("\ufeffingested_at,alert_id,title,id,severity")
    offered = re.findall(r'name="column" value="(\w+)" checked', page)
    assert offered == ["seen", "alert", "severity"]


def test_the_fields_of_each_filter_are_those_that_its_page_takes(app: FastAPI) -> None:
    pages = {each.path: each.route for each in addresses(app) if each.method == "GET"}
    beside = {"cursor", "csv", "below"}
    for kind in (each for each in LISTS.values() if each.fields):
        dependants = [pages[kind.address].dependant]
        taken = set[str]()
        while dependants:
            each = dependants.pop()
            dependants += each.dependencies
            taken |= {field.alias for field in each.query_params}
        assert taken - beside == set(kind.fields), kind.name


async def test_a_filter_that_is_too_long_to_be_kept_filters_all_the_same(client: httpx.AsyncClient) -> None:
    assert (await client.get("/alerts?" + "&".join(f"severity={number}" for number in range(300)))).status_code == 200


@pytest.mark.parametrize("path", ["/filters/none/remove", "/lists/none/columns"])
async def test_what_there_is_not_is_not_found(client: httpx.AsyncClient, embedded: Database, path: str) -> None:
    assert (await client.post(path, data={"csrf": csrf(client, embedded)})).status_code == 404


def _actor(database: Database, contoso: Contoso) -> Actor:
    found = database.read_now(
        lambda tx: members.actor(tx, contoso.user_id, contoso.organization_id, label="x", how="session")
    )
    assert found is not None
    return found
