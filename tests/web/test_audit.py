from pathlib import Path

import httpx
import sqlalchemy as sa

from contoso import Contoso
from hostile import HOSTILE, dangers
from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.audit.export import verify_file
from ringfence.audit.heads import Signer
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries
from ringfence.web import Services
from webfixtures import csrf


async def test_the_page_says_who_did_what_by_which_way(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    page = (await client.get("/audit")).text
    assert "A person signed in." in page
    assert "sign_in:succeeded" in page
    assert 'aria-current="page"' in page
    released = {"reason": "Clean", "csrf": csrf(client, embedded)}
    await client.post("/sign-out", data=released)
    entries = embedded.read_now(lambda tx: log.listing(tx, contoso.organization_id, event="sign_in:ended")).entries
    assert [entry.via for entry in entries] == ["page"]


async def test_the_page_is_filtered_by_kind_and_text_and_turned(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    def write(number: int) -> None:
        said = {"name": f"contoso-{number}"}
        embedded.run_now(
            lambda tx: log.write(tx, Event.ACCOUNT_DISABLED, contoso.organization_id, str(number), details=said)
        )

    for number in range(120):
        write(number)
    page = (await client.get("/audit?event=account")).text
    assert page.count('<tr id="entry-') == 100
    assert "sign_in:succeeded" not in page
    assert "below=" in page
    assert (await client.get("/audit?q=contoso-77")).text.count('<tr id="entry-') == 1
    assert "Nothing fits" in (await client.get("/audit?q=no-such-thing")).text
    assert (await client.get("/audit?event=nonsense")).status_code == 200


async def test_the_page_is_narrowed_to_people_and_days_and_what_it_shows_can_be_taken_away(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    for name in ("asmith", "=cmd"):
        embedded.run_now(
            lambda tx: log.write(tx, Event.ACCOUNT_DISABLED, contoso.organization_id, "1", actor=name)  # noqa: B023
        )
    query = "event=account&who=asmith&since=2020-01-01&until=2199-12-31"
    page = (await client.get(f"/audit?{query}")).text
    assert page.count('<tr id="entry-') == 1
    assert f"/audit/export?{query.replace('&', '&amp;')}&amp;format=csv" in page
    assert "Nothing fits" in (await client.get("/audit?until=2020-01-01")).text
    assert (await client.get("/audit?since=nonsense&until=9999-12-31")).status_code == 200
    taken = await client.get("/audit/export?event=account&format=csv")
    assert taken.headers["content-disposition"].endswith('.csv"')
    assert [line.split(",")[3] for line in taken.text.splitlines()] == ["actor", "asmith", "'=cmd"]
    whole = (await client.get("/audit/export")).text.splitlines()
    assert verify_file(whole, Signer(Path(embedded.url.database or "").parent).public).sound


async def test_a_check_by_the_page_says_what_is_wrong(client: httpx.AsyncClient, embedded: Database) -> None:
    assert "The record is whole" in (await client.get("/audit/verify")).text
    embedded.run_now(lambda tx: tx.execute(sa.update(audit_entries).values(actor="nobody")))
    page = (await client.get("/audit/verify")).text
    assert "was tampered with" in page
    assert "Entry 1 was changed" in page


async def test_hostile_texts_are_shown_as_texts(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    for text in HOSTILE:
        embedded.run_now(
            lambda tx: log.write(
                tx,
                Event.ACCOUNT_DISABLED,
                contoso.organization_id,
                text,  # noqa: B023
                details={"name": text, text: text},  # noqa: B023
                actor=text,  # noqa: B023
                via=Via.PAGE,
            )
        )
    assert dangers((await client.get("/audit")).text) == []


async def test_heads_that_cannot_be_read_are_told_of(client: httpx.AsyncClient, services: Services) -> None:
    services.settings.audit_heads_file.parent.mkdir(parents=True, exist_ok=True)
    services.settings.audit_heads_file.write_text("nonsense\n")
    assert (await client.get("/audit/verify")).status_code == 400
