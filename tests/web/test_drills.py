import httpx
import pytest
import sqlalchemy as sa

from accounts_samples import an_organization
from contoso import WORKSTATION, Contoso
from drill_samples import seed
from hostile import HOSTILE, dangers
from ringfence import clock
from ringfence.containment.verdict import Outcome
from ringfence.drills import records
from ringfence.drills.model import State
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, drill_devices, drill_schedules, drills
from webfixtures import csrf
from webserver import Asked


@pytest.fixture
def held(embedded: Database, contoso: Contoso) -> str:
    def work(tx: Transaction) -> str:
        for table in (drills, drill_devices):
            tx.execute(sa.delete(table))
        return seed(tx, contoso.organization_id, contoso.account_id, WORKSTATION, clock.now())

    embedded.run_now(lambda tx: tx.execute(sa.delete(drill_schedules)))
    return embedded.run_now(work)


async def test_the_page_shows_what_was_held_what_is_covered_what_is_scheduled_and_where(
    client: httpx.AsyncClient, held: str
) -> None:
    page = (await client.get("/drills")).text
    for words in (
        "tst-001.contoso.com", "Passed", "Failed: released", "Test devices", "Windows11", "0 9 * * 1", "Europe/Rome",
        "Contain ransomware", 'action="/drills/devices"', "On a real device",
    ):  # fmt: skip
        assert words in page, words


async def test_a_scorecard_shows_each_step_with_its_time(client: httpx.AsyncClient, held: str) -> None:
    page = (await client.get(f"/drills/{held}")).text
    for words in ("Protected host refused", "Warning", "12.4 s", "Defender confirmed the release.", "Passed"):
        assert words in page, words
    assert "Abort and release" not in page


async def test_a_real_drill_that_waits_guides_through_the_test_file_and_can_be_aborted(
    client: httpx.AsyncClient, embedded: Database, held: str
) -> None:
    page = (await client.get("/drills/drill-live")).text
    assert "EICAR" in page
    form = {"csrf": csrf(client, embedded)}
    done = await client.post("/drills/drill-live/abort", data=form)
    assert (done.status_code, done.headers["location"]) == (303, "/drills/drill-live")
    assert "the device is released first" in (await client.get("/drills/drill-live")).text
    late = await client.post(f"/drills/{held}/abort", data=form)
    assert (late.status_code, "over: passed" in late.text) == (409, True)


async def test_a_real_device_is_rehearsed_on_only_where_that_was_said(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, held: str
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(drills).values(open_key=None)))
    form = {"csrf": csrf(client, embedded), "device": WORKSTATION, "longest": "10 min"}
    refused = await client.post("/drills", data=form)
    assert refused.status_code == 400
    assert "Hold a real drill" in refused.text
    assert 'value="10 min"' in refused.text
    wrong = await client.post("/drills", data=form | {"longest": "soon"})
    assert (wrong.status_code, "30 min" in wrong.text) == (400, True)
    begun = await client.post("/drills", data=form | {"real": "true"})
    assert begun.status_code == 303
    made = embedded.read_now(lambda tx: records.listing(tx, contoso.organization_id))[0]
    assert begun.headers["location"] == f"/drills/{made.id}"
    assert (made.real, made.state, made.started_by) == (True, State.PREPARING, "megan.bowen")


async def test_a_simulated_device_needs_no_more_than_a_click(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, held: str
) -> None:
    def local(tx: Transaction) -> None:
        tx.execute(sa.update(drills).values(open_key=None))
        tx.execute(sa.update(accounts).values(api_url="http://127.0.0.1:8900", login_url="http://127.0.0.1:8900"))

    embedded.run_now(local)
    assert "On a real device" not in (await client.get("/drills")).text
    form = {"csrf": csrf(client, embedded), "device": WORKSTATION}
    assert (await client.post("/drills", data=form)).status_code == 303


async def test_a_device_that_policy_denies_is_refused_beside_the_form(
    client: httpx.AsyncClient, embedded: Database, asked: Asked, held: str
) -> None:
    embedded.run_now(lambda tx: tx.execute(sa.update(drills).values(open_key=None)))
    asked.outcome = Outcome.DENIED
    form = {"csrf": csrf(client, embedded), "device": WORKSTATION, "real": "true"}
    refused = await client.post("/drills", data=form)
    assert refused.status_code == 409
    assert "Policy would not let a playbook contain" in refused.text
    assert "The device runs a server&#39;s operating system" in refused.text
    assert asked.explained[-1]["drill"] is True


async def test_schedules_are_made_and_removed(client: httpx.AsyncClient, embedded: Database, held: str) -> None:
    form = {"csrf": csrf(client, embedded), "device": WORKSTATION, "cron": "30 8 * * 2", "time_zone": "Nowhere/Land"}
    wrong = await client.post("/drills/schedules", data=form)
    assert (wrong.status_code, "no time zone" in wrong.text) == (400, True)
    assert (await client.post("/drills/schedules", data=form | {"time_zone": "UTC"})).status_code == 303
    assert "30 8 * * 2" in (await client.get("/drills")).text
    await client.post("/drills/schedules/drill-schedule-1/remove", data=form)
    assert "0 9 * * 1</td>" not in (await client.get("/drills")).text.replace("<span", "</td><span")


async def test_devices_are_removed_and_allowed(client: httpx.AsyncClient, embedded: Database, held: str) -> None:
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post(f"/drills/devices/{WORKSTATION}/remove", data=form)).status_code == 303
    page = (await client.get("/drills")).text
    assert "Allow drills on a test device first" in page
    added = await client.post("/drills/devices", data=form | {"device": "dc-01.contoso.com"})
    assert (added.status_code, added.headers["location"]) == (303, "/drills")
    assert "Allow drills on a test device first" not in (await client.get("/drills")).text


async def test_drills_of_others_are_not_there(client: httpx.AsyncClient, embedded: Database, held: str) -> None:
    other = an_organization(embedded, "Fabrikam")
    embedded.run_now(lambda tx: tx.execute(sa.update(drills).values(organization_id=other)))
    assert (await client.get(f"/drills/{held}")).status_code == 404
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post("/drills/drill-live/abort", data=form)).status_code == 404


async def test_hostile_words_are_text(client: httpx.AsyncClient, embedded: Database, held: str) -> None:
    for words in HOSTILE:
        values = {"machine_name": words, "detail": words, "playbook": words, "started_by": words}
        change = sa.update(drills).values(**values)
        embedded.run_now(lambda tx, change=change: tx.execute(change))  # type: ignore[misc]
        assert dangers((await client.get("/drills")).text) == []
        assert dangers((await client.get(f"/drills/{held}")).text) == []
