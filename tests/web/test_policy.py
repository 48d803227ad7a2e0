"""/policy: what counts, its layers, the kill switch and the brakes."""

import re
from collections.abc import Mapping

import httpx
import pytest

from contoso import Contoso
from ringfence.containment import brakes, policies
from ringfence.containment.policies import PROVIDER, Scope
from ringfence.containment.verdict import Brake, Limit
from ringfence.storage import Database
from ringfence.storage.tables import users
from webfixtures import csrf
from webserver import Asked


@pytest.fixture
def own(contoso: Contoso) -> Scope:
    return Scope(contoso.organization_id)


def write(database: Database, scope: Scope, document: Mapping[str, object]) -> None:
    before = database.read_now(lambda tx: policies.newest(tx, scope)).version
    database.run_now(lambda tx: policies.write(tx, scope, document, expected_version=before, by="mara"))


async def post(client: httpx.AsyncClient, database: Database, address: str, **form: str) -> httpx.Response:
    return await client.post(address, data={"csrf": csrf(client, database), **form})


def trip(database: Database, contoso: Contoso) -> None:
    from ringfence.containment import service

    found = Brake(Limit.HOUR, "", "10 containments were decided in the last 60 minutes and the limit is 10.")
    database.run_now(
        lambda tx: brakes.trip(
            tx,
            service.get(tx, contoso.containment_id).organization_id,
            found,
            opens_at=None,
            containment_id=contoso.containment_id,
        )
    )


async def test_each_line_says_where_it_comes_from(client: httpx.AsyncClient, embedded: Database, own: Scope) -> None:
    write(embedded, PROVIDER, {"max_per_hour": 3, "locked": ["max_per_hour"]})
    write(embedded, own, {"mode": "tagged", "max_per_hour": 9, "protected_tags": ["<b>Plant</b>"]})
    text = (await client.get("/policy")).text
    row = re.search(r'id="line-max_per_hour">(.*?)</tr>', text, re.S)
    assert row is not None
    assert ">3</td>" in row[1]
    assert "provider" in row[1]
    assert "organization sets max_per_hour, which provider has locked." in text
    assert "&lt;b&gt;Plant&lt;/b&gt;" in text


async def test_the_policy_of_a_device_group_can_be_chosen(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    write(embedded, Scope(contoso.organization_id, "Plant 7"), {"mode": "none"})
    text = (await client.get("/policy", params={"group": "Plant 7"})).text
    assert "What counts for Plant 7" in text
    assert "device group Plant 7 1" in text


async def test_the_kill_switch_asks_for_a_reason_and_is_on_every_page_until_it_is_off(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    refused = await post(client, embedded, "/policy/freeze", reason="  ")
    assert refused.status_code == 400
    assert "The kill switch needs a reason." in refused.text
    assert (await post(client, embedded, "/policy/freeze", reason="A playbook went wild")).status_code == 303
    for address in ("/", "/alerts", "/containment", "/policy", "/accounts"):
        text = (await client.get(address)).text
        assert "Nothing new is contained" in text, address
        assert "A playbook went wild" in text
    part = await client.get("/containment", headers={"HX-Request-Type": "partial"})
    assert "Nothing new is contained" in part.text
    assert (await post(client, embedded, "/policy/unfreeze", reason="Mended")).status_code == 303
    assert "Nothing new is contained" not in (await client.get("/containment")).text


async def test_the_switch_for_all_is_for_system_administrators(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert (await post(client, embedded, "/policy/freeze", reason="No", everywhere="yes")).status_code == 403
    assert "only its people change it" in (await client.get("/policy/layers/provider")).text
    promoted = users.update().where(users.c.id == contoso.user_id).values(system_administrator=True)
    embedded.run_now(lambda tx: tx.execute(promoted))
    answer = await post(client, embedded, "/policy/freeze", reason="Everywhere", everywhere="yes")
    assert answer.status_code == 303
    assert "Nothing new is contained in any organization" in (await client.get("/")).text


async def test_a_layer_is_shown_with_what_it_changes_before_it_is_saved(
    client: httpx.AsyncClient, embedded: Database, own: Scope
) -> None:
    address = "/policy/layers/organization"
    form = {"text": "mode: tagged\r\nmax_per_hour: 3\r\n", "note": "Pilot", "expected": "0"}
    shown = await post(client, embedded, address, **form, do="preview")
    assert shown.status_code == 200
    assert "Save as version 1" in shown.text
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', shown.text)
    assert seen is not None
    # Another text than the one that was shown is not saved, but shown.
    other = form | {"text": "mode: none\n"}
    assert (await post(client, embedded, address, **other, seen=seen[1], do="save")).status_code == 200
    assert embedded.read_now(lambda tx: policies.newest(tx, own)).version == 0
    saved = await post(client, embedded, address, **form, seen=seen[1], do="save")
    assert saved.status_code == 303
    kept = embedded.read_now(lambda tx: policies.newest(tx, own))
    assert (kept.version, kept.document, kept.note) == (1, {"mode": "tagged", "max_per_hour": 3}, "Pilot")
    page = (await client.get(address)).text
    assert "2 fields changed" in page
    assert "mode: tagged\n" in page


async def test_problems_are_named_with_their_fields_and_the_text_is_kept(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    wrong = "mode: sometimes\nmax_per_hou: 3\n"
    answer = await post(client, embedded, "/policy/layers/organization", text=wrong, expected="0")
    assert answer.status_code == 400
    assert "mode: write &#39;none&#39;, &#39;tagged&#39; or &#39;any&#39;." in answer.text
    assert "max_per_hou: there is no such field. Did you mean max_per_hour?" in answer.text
    assert "max_per_hou: 3" in answer.text


async def test_who_has_not_seen_the_newest_version_does_not_save(
    client: httpx.AsyncClient, embedded: Database, own: Scope
) -> None:
    form = {"text": "mode: none\n", "expected": "0"}
    shown = await post(client, embedded, "/policy/layers/organization", **form)
    seen = re.search(r'name="seen" value="([0-9a-f]{64})"', shown.text)
    assert seen is not None
    write(embedded, own, {"mode": "tagged"})
    late = await post(client, embedded, "/policy/layers/organization", **form, seen=seen[1], do="save")
    assert late.status_code == 412
    assert "somebody has changed it" in late.text


async def test_a_layer_that_there_is_not_is_an_error(client: httpx.AsyncClient) -> None:
    assert (await client.get("/policy/layers/everybody")).status_code == 400
    assert (await client.get("/policy/group", params={"name": "Plant/7"})).headers["location"] == (
        "/policy/layers/group:Plant%2F7"
    )
    assert (await client.get("/policy/layers/group:Plant%2F7")).status_code == 200


async def test_a_brake_is_shown_everywhere_and_lifted_with_a_reason(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    trip(embedded, contoso)
    assert "A brake holds since" in (await client.get("/containment")).text
    bad = await post(client, embedded, "/policy/brakes/lift", reason="Drill", duration="soon")
    assert bad.status_code == 400
    bad = await post(client, embedded, "/policy/brakes/lift", reason="Drill", more="some")
    assert bad.status_code == 400
    done = await post(
        client, embedded, "/policy/brakes/lift", reason="Ransomware for real", duration="30 min", more="40"
    )
    assert done.status_code == 303
    page = (await client.get("/policy")).text
    assert "A brake holds since" not in page
    assert "megan.bowen lifted the limits for 40 more until" in page


async def test_a_host_is_explained_without_changing_anything(client: httpx.AsyncClient, asked: Asked) -> None:
    assert "Name a host" in (await client.get("/policy/explain")).text
    page = (await client.get("/policy/explain", params={"machine": " dc-01 ", "asker": "person"})).text
    assert "People would be asked" in page
    assert "Asked would be megan" in page
    assert "&lt;b&gt;Blue&lt;/b&gt;" in page
    assert "not known" in page
    assert asked.explained[0]["target"] == "dc-01"
    assert asked.explained[0]["by_person"] is True
    asked.refuse = "Defender could not be asked."
    refused = await client.get("/policy/explain", params={"machine": "dc-01"})
    assert refused.status_code == 409
    assert "Defender could not be asked." in refused.text
