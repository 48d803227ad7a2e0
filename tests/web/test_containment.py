import html
from functools import partial

import httpx
import pytest
import sqlalchemy as sa

from contoso import Contoso
from hostile import HOSTILE, dangers
from ringfence import clock
from ringfence.alerts import queue
from ringfence.containment.observed import SENTENCES, Drift
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, containment_events, containments, isolations, reconciliations
from webfixtures import csrf
from webserver import Asked


async def test_the_board_says_what_is_wanted_and_what_is_confirmed(client: httpx.AsyncClient) -> None:
    page = (await client.get("/containment")).text
    assert "(2) Containment" in page
    assert "2 hosts isolated" in page
    assert "1 on the way" in page
    assert page.count('<tr id="containment-') == 6
    assert (await client.get("/containment?show=live")).text.count('<tr id="containment-') == 3
    assert (await client.get("/containment?show=finished&q=dc-01")).text.count('<tr id="containment-') == 1


async def test_what_others_isolated_stands_apart_with_its_owner(client: httpx.AsyncClient) -> None:
    page = (await client.get("/containment")).text
    assert page.count('<tr id="isolation-') == 3
    for words in (
        "Isolated by others",
        "Microsoft Defender (AttackDisruption)",
        "Looks odd, will check",
        "3 by others",
    ):
        assert words in page, words
    found = (await client.get("/containment?show=others&q=ops-ws")).text
    assert found.count('<tr id="isolation-') == 1
    assert '<caption class="hidden">Containments' not in found
    assert '<tr id="isolation-' not in (await client.get("/containment?show=finished")).text


async def test_what_differs_from_what_is_wanted_says_so_in_a_sentence(client: httpx.AsyncClient) -> None:
    page = (await client.get("/containment?show=attention")).text
    assert page.count('<tr id="isolation-') == 2
    assert "Ringfence released it, and somebody else isolated it again." in page
    assert "lost to Defender" in page


async def test_a_host_that_nobody_comes_back_to_is_shown_with_whom_to_ask(client: httpx.AsyncClient) -> None:
    page = (await client.get("/containment?show=orphans")).text
    assert page.count('<tr id="orphan-') == 3
    assert "Isolated by diego.siciliani@contoso.com (Portal); no open incident is about it." in page
    assert "fin-ws-014" not in page
    assert "Somebody comes back to every host" in (await client.get("/containment?show=orphans&q=none")).text


async def test_a_drift_of_ours_stands_beside_what_is_wanted(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    mine = isolations.c.containment_id == contoso.containment_id
    changed = sa.update(isolations).where(mine)
    drifted = {"isolated": False, "state": "free", "drift": "released_outside", "requestor": "analyst@contoso.com"}
    embedded.run_now(lambda tx: tx.execute(changed.values(containment_id=None, **drifted)))
    page = (await client.get("/containment?show=live")).text
    assert "Ringfence wants it isolated, and somebody outside released it." in page
    assert "By analyst@contoso.com" in page


async def test_an_account_that_cannot_be_looked_at_is_named(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    row = {"account_id": contoso.account_id, "tried_at": clock.now(), "error": "The secret expired."}
    embedded.run_now(lambda tx: tx.execute(sa.insert(reconciliations).values(row)))
    page = (await client.get("/containment")).text
    assert "is not seen now" in page
    assert "The secret expired." in page


async def test_empty_groups_say_what_would_stand_there(client: httpx.AsyncClient, embedded: Database) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.delete(isolations)))
    assert "Nobody else isolated a host" in (await client.get("/containment?show=others")).text
    assert "All is as it should be" in (await client.get("/containment?show=attention")).text
    assert "No host fits these filters" in (await client.get("/containment?show=others&q=x")).text


async def test_an_empty_board_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "Show the whole board" in (await client.get("/containment?q=none")).text
    embedded.run_now(lambda tx: tx.execute(sa.delete(containments)))
    assert "Try it on a test device first" in (await client.get("/containment")).text


async def test_one_containment_shows_its_proof(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await client.get(f"/containment/{contoso.containment_id}")).text
    assert "<title>Contained · fin-ws-014.contoso.com · Ringfence</title>" in page
    for words in (
        "Confirmed by Defender",
        "38.9 s",
        "No guard spoke against it.",
        "Operating system",
        "5c1b6c3d-7a0e-4a9f-9a55-0c8de5cba0aa",
        "Release the host",
        "Monday, 2 March 2026, UTC",
    ):
        assert words in page, words


@pytest.mark.parametrize("state", ["pending", "denied", "withdrawn", "released", "releasing"])
async def test_release_is_offered_only_where_there_is_something_to_release(
    client: httpx.AsyncClient, embedded: Database, state: str
) -> None:
    own_id = embedded.read_now(lambda tx: tx.scalar(sa.select(containments.c.id).where(containments.c.state == state)))
    page = await client.get(f"/containment/{own_id}")
    assert page.status_code == 200
    assert "Release the host" not in page.text


async def test_a_release_is_asked_for_with_reason_and_person(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/containment/{contoso.containment_id}/release"
    form = {"csrf": csrf(client, embedded), "reason": " Reimaged "}
    answer = await client.post(address, data=form)
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/containment/{contoso.containment_id}"
    assert asked.released == [{"containment_id": contoso.containment_id, "reason": "Reimaged", "by": "megan.bowen"}]


async def test_a_release_without_reason_or_that_is_refused_shows_why(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    address = f"/containment/{contoso.containment_id}/release"
    answer = await client.post(address, data={"csrf": csrf(client, embedded), "reason": "  "})
    assert answer.status_code == 400
    assert "A release needs a reason." in answer.text
    asked.refuse = "Somebody else releases it."
    answer = await client.post(address, data={"csrf": csrf(client, embedded), "reason": "Reimaged"})
    assert answer.status_code == 409
    assert "Somebody else releases it." in answer.text
    assert asked.released == []


async def test_a_containment_is_asked_for_with_everything_that_was_chosen(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    page = await client.get("/containment/new?target=fin-ws-014.contoso.com&account=contoso")
    assert 'value="fin-ws-014.contoso.com"' in page.text
    form = {
        "csrf": csrf(client, embedded),
        "target": " fin-ws-014.contoso.com ",
        "account": "contoso",
        "isolation_type": "Selective",
        "auto_release": "4",
        "reason": "Drill",
    }
    answer = await client.post("/containment/new", data=form)
    assert answer.headers["location"] == f"/containment/{contoso.containment_id}"
    assert asked.contained == [
        {
            "organization_id": contoso.organization_id,
            "target": "fin-ws-014.contoso.com",
            "isolation_type": "Selective",
            "reason": "Drill",
            "account": "contoso",
            "by": "megan.bowen",
            "auto_release": 14_400.0,
            "force": False,
            "alert": None,
        }
    ]


async def test_the_id_of_an_alerts_host_has_its_name_beside_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    about = embedded.read_now(lambda tx: queue.get(tx, contoso.organization_id, contoso.alert_id))

    async def named(**asked: str | None) -> bool:
        page = (await client.get("/containment/new", params=asked)).text
        return f"<strong>{about.machine_name}</strong>" in page

    assert await named(target=about.machine_id, alert=about.id)
    assert not await named(target="f" * 40, alert=about.id)
    assert not await named(target=about.machine_id, alert="none")
    assert not await named(target=about.machine_id)


async def test_a_containment_that_is_refused_keeps_what_was_typed(
    client: httpx.AsyncClient, embedded: Database, asked: Asked
) -> None:
    asked.refuse = "That name stands for two hosts."
    form = {"csrf": csrf(client, embedded), "target": "fin", "reason": "</textarea><script>"}
    answer = await client.post("/containment/new", data=form)
    assert answer.status_code == 409
    assert "That name stands for two hosts." in answer.text
    assert 'value="fin"' in answer.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in answer.text
    answer = await client.post("/containment/new", data=form | {"auto_release": "never"})
    assert answer.status_code == 400
    assert "There is no such timer." in answer.text


async def test_with_one_account_nobody_is_asked_which(client: httpx.AsyncClient, embedded: Database) -> None:
    assert 'id="account"' in (await client.get("/containment/new")).text
    embedded.run_now(lambda tx: tx.execute(sa.delete(accounts).where(accounts.c.name == "contoso-gov")))
    assert 'id="account"' not in (await client.get("/containment/new")).text


async def test_text_of_an_attacker_is_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    def spoil(tx: Transaction, text: str) -> None:
        columns = ("target", "machine_name", "reason", "requested_by", "detail", "isolation_type", "isolate_action_id")
        values = dict.fromkeys(columns, storable(text)) | {"verdict": {"reasons": [text], "facts": {text: text}}}
        tx.execute(sa.update(containments).values(values))
        tx.execute(sa.update(containment_events).values(detail=storable(text), facts={text: [text]}))

    for text in HOSTILE:
        embedded.run_now(partial(spoil, text=text))
        for path in ("/containment", f"/containment/{contoso.containment_id}", "/"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert dangers(answer.text) == []


async def test_the_page_of_a_containment_shows_how_its_host_stands_in_defender_now(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/containment/{contoso.containment_id}"
    page = (await client.get(address)).text
    assert "Now in Defender</h2>" in page
    assert "Now in Defender: " not in page
    values = {"drift": "isolated_on_top", "drift_since": clock.now(), "requestor": "pia@contoso.com"}
    mine = isolations.c.containment_id == contoso.containment_id
    embedded.run_now(lambda tx: tx.execute(sa.update(isolations).where(mine).values(values)))
    page = (await client.get(address)).text
    assert f"Now in Defender: {SENTENCES[Drift.ISOLATED_ON_TOP]}" in html.unescape(page)
