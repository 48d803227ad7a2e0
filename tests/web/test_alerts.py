import json
import re
from functools import partial
from html import unescape

import httpx
import pytest
import sqlalchemy as sa

from contoso import Contoso
from graph_samples import a_graph_alert
from hostile import HOSTILE, dangers
from ringfence import clock
from ringfence.alerts.source import Source
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, alert_versions, alerts, rejected_alerts, run_alerts


async def test_the_queue_shows_alerts_newest_first_with_their_number(client: httpx.AsyncClient) -> None:
    page = (await client.get("/alerts")).text
    assert "<title>(12) Alerts · Ringfence</title>" in page
    titles = re.findall(r'class="clip two" title="[^"]*">([^<]+)</a>', page)
    assert titles[:2] == [
        "Possible credential theft from LSASS memory",
        "Ransomware behavior detected in the file system",
    ]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("severity=High", 4),
        ("severity=High&severity=Low&status=New", 3),
        ("status=Resolved&category=Malware", 1),
        ("q=FIN-WS", 2),
        ("q=&severity=&status=&category=", 12),
        ("q=%25", 0),
    ],
)
async def test_filters_narrow_the_queue(client: httpx.AsyncClient, query: str, number: int) -> None:
    page = (await client.get(f"/alerts?{query}")).text
    assert page.count("<tr id=") == number
    assert f"({number}) Alerts" in page


async def test_unusual_values_are_offered_where_they_were_asked_for(client: httpx.AsyncClient) -> None:
    assert 'value="UnSpecified"' not in (await client.get("/alerts")).text
    assert 'value="UnSpecified" checked' in (await client.get("/alerts?severity=UnSpecified")).text


async def test_an_empty_queue_says_what_to_do_next(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "Take one away" in (await client.get("/alerts?q=none")).text
    embedded.run_now(lambda tx: tx.execute(sa.delete(alerts)))
    assert "Alerts appear here by themselves" in (await client.get("/alerts")).text


async def test_older_alerts_are_on_the_next_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    def add(tx: Transaction) -> None:
        row = dict(tx.one(sa.select(alerts).where(alerts.c.id == contoso.alert_id)) or {})
        many = [row | {"id": f"{number:036d}", "alert_id": str(number)} for number in range(150)]
        tx.execute(sa.insert(alerts), many)

    embedded.run_now(add)
    page = (await client.get("/alerts?severity=High")).text
    more = re.search(r'href="(/alerts\?[^"]*cursor[^"]*)"', page)
    assert more is not None
    older = (await client.get(unescape(more[1]))).text
    assert page.count("<tr id=") == 100
    assert older.count("<tr id=") == 54
    assert "Newest" in older


async def test_one_alert_shows_what_each_version_changed_and_started(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    page = (await client.get(f"/alerts/{contoso.alert_id}")).text
    second, _, first = page[page.index('id="version-2"') :].partition('id="version-1"')
    for words in (
        "reassigned, updated",
        "Partly own",
        "it holds what Ringfence itself wrote (comments)",
        "assignedTo",
        "ours",
        "Not matched",
        "The alert was reassigned and updated, not created.",
        "The severity is High.",
    ):
        assert words in second, words
    for words in ("created", "Started", "Every condition holds.", f"/executions/{contoso.live_run_id}"):
        assert words in first, words


async def test_a_run_shows_the_alerts_that_joined_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert 'id="reasons"' not in (await client.get(f"/executions/{contoso.live_run_id}")).text

    def join(tx: Transaction) -> None:
        others = tx.all(sa.select(alerts.c.id).where(alerts.c.id != contoso.alert_id).limit(3))
        rows = [
            {"run_id": contoso.live_run_id, "alert_id": row["id"], "alert_version": 1, "joined_at": clock.now()}
            for row in others
        ]
        tx.execute(sa.insert(run_alerts), rows)

    embedded.run_now(join)
    page = (await client.get(f"/executions/{contoso.live_run_id}")).text
    assert page[page.index('id="reasons"') :].count("/alerts/") >= 4


async def test_one_alert_shows_evidence_facts_versions_runs_and_the_document(
    client: httpx.AsyncClient, contoso: Contoso
) -> None:
    page = (await client.get(f"/alerts/{contoso.alert_id}")).text
    for words in (
        "enc.exe --path C:\\Users",
        "T1486",
        "CONTOSO\\adele.vance",
        "Contain ransomware",
        "fin-ws-014.contoso.com is contained",
        "detectionSource",
        "Contain the host",
        "version 2",
    ):
        assert words in page, words


async def test_an_alert_of_graph_shows_its_evidence_and_facts_as_well(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    process = {
        "@odata.type": "#microsoft.graph.security.processEvidence",
        "processId": 71,
        "processCommandLine": "vssadmin.exe delete shadows",
        "imageFile": {"fileName": "vssadmin.exe", "filePath": "C:\\Windows\\System32", "sha1": "c" * 40},
    }
    raw = a_graph_alert(
        "9",
        threatDisplayName="Trojan:Win32/Fabrikam",
        comments=[{"comment": "Seen by the night shift", "createdByDisplayName": "alex"}],
        evidence=[process],
    )
    own = alert_versions.c.alert_id == contoso.alert_id
    embedded.run_now(
        lambda tx: tx.execute(sa.update(alert_versions).where(own).values(raw=json.dumps(raw), source=Source.GRAPH))
    )
    page = unescape((await client.get(f"/alerts/{contoso.alert_id}")).text)
    tree = page[page.index('id="raw-title"') :].partition("</section>")[0]
    for words in (
        "vssadmin.exe delete shadows",
        "Process id",
        "C:\\Windows\\System32\\vssadmin.exe",
        "Trojan:Win32/Fabrikam",
        "Seen by the night shift",
    ):
        assert words in page.replace(tree, ""), words
    assert "#microsoft.graph.security.processEvidence" in tree
    assert "#microsoft.graph.security.processEvidence" not in page.replace(tree, "")


async def test_of_hundreds_of_pieces_of_evidence_a_hundred_are_shown_and_all_when_asked_for(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    piece = {"entityType": "Process", "fileName": "p.exe"}
    raw = json.dumps({"evidence": [piece | {"processId": number} for number in range(1, 301)]})
    own = sa.update(alert_versions).where(alert_versions.c.alert_id == contoso.alert_id)
    embedded.run_now(lambda tx: tx.execute(own.values(raw=raw)))
    for address, pieces in ((f"/alerts/{contoso.alert_id}", 100), (f"/alerts/{contoso.alert_id}?show=all", 300)):
        page = (await client.get(address)).text
        assert (page.count('id="piece-'), page.count("data-node=")) == (pieces, pieces + 1)
        assert ("200 more pieces." in page) == (pieces == 100)
        # What a browser makes of it costs by the element.
        card = page[page.index('id="evidence-title"') : page.index('id="runs-title"')]
        assert card.count("<") - card.count("</") < 25 * pieces


async def test_text_of_an_attacker_is_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    def spoil(tx: Transaction, text: str, kept: str) -> None:
        columns = ("title", "severity", "status", "category", "assigned_to", "machine_name", "machine_id", "alert_id")
        own = alerts.c.id == contoso.alert_id
        tx.execute(sa.update(alerts).where(own).values(dict.fromkeys(columns, kept)))
        piece = {"entityType": "Process", "processId": 1, "fileName": text, "processCommandLine": text, "sha256": text}
        raw = {
            "description": text,
            "mitreTechniques": [text],
            "comments": [{"comment": text, "createdBy": text, "createdTime": text}],
            "evidence": [piece, {"entityType": text, "url": text}],
            text: [text],
        }
        tx.execute(
            sa.update(alert_versions).where(alert_versions.c.alert_id == contoso.alert_id).values(raw=json.dumps(raw))
        )

    for text in HOSTILE:
        kept = storable(text)
        embedded.run_now(partial(spoil, text=text, kept=kept))
        for path in (f"/alerts/{contoso.alert_id}", "/alerts", f"/executions/{contoso.live_run_id}", "/executions"):
            answer = await client.get(path)
            assert answer.status_code == 200
            assert dangers(answer.text) == []
            assert answer.text.partition("</head>")[0].count("</title>") == 1
            assert ">49<" not in answer.text
        assert kept in unescape((await client.get(f"/alerts/{contoso.alert_id}")).text)


async def test_whatever_is_asked_for_gets_a_page(client: httpx.AsyncClient) -> None:
    for text in HOSTILE:
        for key in ("q", "severity", "status", "category", "cursor"):
            answer = await client.get("/alerts", params={key: text})
            assert answer.status_code in {200, 400}, (key, text)
            assert dangers(answer.text) == []
    assert (await client.get("/alerts/%3Cscript%3E")).status_code == 404


async def test_what_could_not_be_read_as_an_alert_is_shown_with_its_reason_as_text(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "could not be read" not in (await client.get("/alerts")).text
    assert "Every document could be read" in (await client.get("/alerts/rejected")).text

    def reject(tx: Transaction) -> None:
        account = tx.one(sa.select(accounts))
        assert account is not None
        rows = [
            {
                "id": clock.new_id(),
                "organization_id": account["organization_id"],
                "account_id": account["id"],
                "fingerprint": str(number),
                "reason": f"The alert has no id. {storable(text)}",
                "raw": json.dumps({"title": text}),
                "seen_at": clock.now(),
            }
            for number, text in enumerate(HOSTILE)
        ]
        tx.insert_new(rejected_alerts, rows)

    embedded.run_now(reject)
    assert f"{len(HOSTILE)} documents" in (await client.get("/alerts")).text
    page = (await client.get("/alerts/rejected")).text
    assert "The alert has no id." in page
    assert dangers(page) == []
