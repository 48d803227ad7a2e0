import asyncio
import json
import threading
from collections.abc import Mapping
from typing import Annotated, Any

import httpx
import pytest
import sqlalchemy as sa
from pydantic import Field

from accounts_samples import VAULT, an_organization
from foreign import SOURCE, brought, tickets
from listening_world import publish, runs_of
from outbound_world import Service as Desk
from ringfence.actions import ActionError, Event, HttpAnswer, Poll, Polled
from ringfence.actions.catalogue import Catalogue
from ringfence.actions.polling import Polling
from ringfence.apps import service as apps
from ringfence.apps.making import make
from ringfence.apps.shelf import shelf
from ringfence.errors import RingfenceError
from ringfence.ingestion.loop import Follower, Means
from ringfence.ingestion.poller import PollReport
from ringfence.listeners import service_events
from ringfence.listeners.packaged import Either, Packaged
from ringfence.notifications.delivery import Sender
from ringfence.outbound import accounts as http_accounts
from ringfence.outbound.model import NewHttpAccount
from ringfence.runs.http import Http
from ringfence.runs.outside import Outside
from ringfence.services import records, service
from ringfence.services.heartbeats import Heartbeats
from ringfence.services.model import Service, ServiceState
from ringfence.services.service import Wanted
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import trigger_services
from service_samples import a_service

__all__ = ["tickets"]
FEED = "fabrikam.feed"


class Unreached:
    """Nothing outside can be reached."""

    async def request(self, *given: Any, **more: Any) -> HttpAnswer:
        raise ActionError("Nothing can be reached.", code="unsent", permanent=False, advice="Look at the network.")


def packaged(database: Database, catalogue: Catalogue) -> Packaged:
    return Packaged(database, catalogue, lambda here: Unreached(), Settings())


def a_feed(database: Database, catalogue: Catalogue, organization: str, **wanted: Any) -> Service:
    known = shelf(catalogue)
    database.run_now(lambda tx: apps.install(tx, known, FEED, by="root"))
    return database.run_now(lambda tx: make(tx, catalogue, known, organization, "feed", Wanted(source=FEED, **wanted)))


def now(database: Database, found: Service) -> Service:
    return database.read_now(lambda tx: records.by_id(tx, found.id))


def counting(*, parts: int = 1, size: int = 2) -> Polling:
    async def count(poll: Poll) -> Polled:
        """Give numbers."""
        begin = poll.cursor if isinstance(poll.cursor, int) else 0
        end = min(begin + size, parts * size)
        events = [Event(str(number), {"number": number}, poll.now) for number in range(begin, end)]
        return Polled(events, end, more=end < parts * size)

    return count


async def test_each_event_starts_each_playbook_that_it_fits_once_and_the_cursor_moves_with_them(
    database: Database,
) -> None:
    here, catalogue = an_organization(database), brought(counting(parts=2))
    found = a_feed(database, catalogue, here)
    odd = publish(database, here, "Odd", "{type: service, service: feed, where: event.number == `1`}")
    publish(database, here, "Every", "{type: service, service: feed}")
    publish(database, here, "Elsewhere", "{type: manual}")
    poller = packaged(database, catalogue)
    report = await poller.poll(found)
    assert (report.seen, report.new, report.hits, report.misses, report.pages) == (4, 4, 4, 0, 2)
    assert report.lag is not None
    assert [each["trigger"]["event"]["number"] for each in runs_of(database, odd)] == [1]
    run = runs_of(database, odd)[0]
    assert (run["trigger"]["event_id"], run["trigger"]["app"], run["run_as"]) == ("1", FEED, "service feed")
    assert len(runs_of(database)) == 5
    assert now(database, found).cursor == 4
    # A worker that read the same, and one that begins anew as after a restore, start nothing twice.
    assert (await poller.poll(found)).new == 0
    database.run_now(lambda tx: tx.execute(sa.update(trigger_services).values(cursor=None)))
    assert (await poller.poll(now(database, found))).new == 4
    assert len(runs_of(database)) == 5
    kept = database.read_now(lambda tx: service_events.newest(tx, found))
    assert [(each.event_id, each.started) for each in kept] == [("3", True), ("2", True), ("1", True), ("0", True)]
    assert [(each.playbook, each.run_id) for each in kept[2].outcomes if each.playbook == "Odd"] == [("Odd", run["id"])]
    assert [each.started for each in kept[0].outcomes if each.playbook == "Odd"] == [False]


async def test_a_shared_service_is_heard_by_its_guests_under_its_owners_name(embedded: Database) -> None:
    here, there, third = (an_organization(embedded, name) for name in ("Contoso", "Fabrikam", "Third"))
    catalogue = brought(counting())
    found = a_feed(embedded, catalogue, here, shared_with=[there])
    guest = publish(embedded, there, "Guest", "{type: service, service: Contoso/feed}")
    publish(embedded, third, "Not meant", "{type: manual}")
    await packaged(embedded, catalogue).poll(found)
    runs = runs_of(embedded, guest)
    assert [each["organization_id"] for each in runs] == [there, there]
    assert runs[0]["trigger"]["service"] == "Contoso/feed"
    kept = embedded.read_now(lambda tx: service_events.newest(tx, found))
    # Whose playbook it was, and what it is called, is not told to who shares the service.
    assert [(each.outcomes, each.elsewhere, each.started) for each in kept] == [((), 1, True), ((), 1, True)]


async def raising(poll: Poll, how: Annotated[str, Field(description="How.")]) -> Polled:
    """Fail in a way."""
    if how == "asked":
        await poll.get("https://api.contoso.com/")
    if how == "exit":
        raise SystemExit(1)
    if how == "cancelled":
        raise asyncio.CancelledError
    if how == "late":
        raise TimeoutError
    if how == "shape":
        return [Event("1", {})]  # type: ignore[return-value]

    class Hostile(Exception):
        def __str__(self) -> str:
            raise ValueError

    raise Hostile if how == "hostile" else RuntimeError("line one\nline two \x00" + "x" * 5_000)


async def test_whatever_a_package_does_wrong_is_told_in_one_line_and_harms_nobody(embedded: Database) -> None:
    catalogue = brought(raising)
    found = a_feed(embedded, catalogue, an_organization(embedded), parameters={"how": "x"})
    poller = packaged(embedded, catalogue)
    for how, sentence in (
        ("asked", "Nothing can be reached. Look at the network."),
        ("exit", "Reading Feed of Fabrikam failed: SystemExit: 1. Look"),
        ("cancelled", "failed: CancelledError. Look"),
        ("late", "failed: TimeoutError. Look"),
        ("shape", "TypeError: fabrikam.feed gave back a list, and not a Polled. Look"),
        ("hostile", "failed: Hostile. Look"),
        ("other", "RuntimeError: line one line two xxx"),
    ):
        with pytest.raises(RingfenceError) as raised:
            await poller.poll(a_service(**{**_fields(found), "parameters": {"how": how}}))
        assert sentence in str(raised.value), how
        assert len(str(raised.value)) < 500
    trial = await poller.trial(found)
    assert (trial.ok, "RuntimeError" in trial.sentence) == (False, True)


def _fields(found: Service) -> Mapping[str, Any]:
    return {name: getattr(found, name) for name in found.__slots__}


async def test_a_call_that_does_not_come_back_is_given_up_and_not_made_again_before_it_has(
    embedded: Database,
) -> None:
    go_on, calls = threading.Event(), []

    async def blocking(poll: Poll) -> Polled:
        """Block the thread."""
        calls.append(1)
        go_on.wait(60)
        return Polled([Event(str(len(calls)), {})])

    catalogue = brought(blocking, timeout=0.05)
    found = a_feed(embedded, catalogue, an_organization(embedded))
    poller = packaged(embedded, catalogue)
    with pytest.raises(RingfenceError, match="did not come back within"):
        await poller.poll(found)
    with pytest.raises(RingfenceError, match="earlier call has not come back"):
        await poller.poll(found)
    assert calls == [1]
    go_on.set()
    async with asyncio.timeout(60):
        while True:
            try:
                assert (await poller.poll(found)).seen == 1
                break
            except RingfenceError:
                await asyncio.sleep(0)
    assert calls == [1, 1]


async def test_a_service_that_was_edited_while_it_was_read_is_read_again(embedded: Database) -> None:
    catalogue = brought(counting())
    found = a_feed(embedded, catalogue, an_organization(embedded))
    embedded.run_now(lambda tx: service.edit(tx, found, Wanted(interval="5")))
    assert (await packaged(embedded, catalogue).poll(found)).new == 0
    assert now(embedded, found).cursor is None


async def test_an_app_that_is_not_installed_any_more_is_not_called(embedded: Database) -> None:
    catalogue = brought(counting())
    found = a_feed(embedded, catalogue, an_organization(embedded))
    embedded.run_now(lambda tx: apps.uninstall(tx, shelf(catalogue), FEED, by="root"))
    with pytest.raises(RingfenceError, match="not installed for this organization"):
        await packaged(embedded, catalogue).poll(found)
    with pytest.raises(RingfenceError, match="no app named"):
        await packaged(embedded, Catalogue([])).poll(found)


async def test_it_is_supervised_as_any_other_service_is(embedded: Database) -> None:
    outcomes: list[str] = ["fails", "fails", "works"]

    async def now_and_then(poll: Poll) -> Polled:
        """Fail at first."""
        if outcomes.pop(0) == "fails":
            raise ActionError("The desk is closed.", code="closed", permanent=False)
        return Polled([Event("1", {})])

    catalogue = brought(now_and_then)
    found = a_feed(embedded, catalogue, an_organization(embedded), max_restarts=1, start_at_once=True)

    class Nobody:
        async def prove(self, account_id: str) -> Any:
            raise AssertionError("There is no account to prove.")

        async def poll(self, service: Service, *, back_to: Any = None) -> PollReport:
            raise AssertionError("It reads no alerts.")

    either = Either(Nobody(), packaged(embedded, catalogue))
    means = Means(embedded, either, Nobody(), Settings(), Heartbeats(embedded), lambda: 0.5)
    follower, states = Follower(found, means), []
    for _ in range(3):
        follower.service = now(embedded, found)
        follower._due = 0.0
        await follower.step()
        states.append((now(embedded, found).state, now(embedded, found).state_reason))
    assert states == [
        (ServiceState.DEGRADED, "The desk is closed."),
        (ServiceState.FAILED, "The desk is closed."),
        (ServiceState.RUNNING, ""),
    ]
    assert [each.id for each in embedded.read_now(records.switched_on)] == [found.id]


async def test_it_reads_by_accounts_whose_credentials_it_never_sees(embedded: Database, tickets: Catalogue) -> None:
    here, known = an_organization(embedded), shelf(tickets)
    desk = Desk(lambda request: httpx.Response(200, text=json.dumps([{"number": 7, "title": "Phish"}])))
    outside = Outside(Sender(VAULT, "https://ringfence.contoso.com", ()), transport=desk)
    new = NewHttpAccount(name="desk", kind="bearer", address="https://tickets.contoso.com/v1/", secret="s3cret")
    embedded.run_now(lambda tx: http_accounts.add(tx, VAULT, here, new, by="ada"))
    embedded.run_now(lambda tx: apps.install(tx, known, SOURCE, by="root"))
    wanted = Wanted(source=SOURCE, parameters={"account": "desk", "queue": "soc"})
    found = embedded.run_now(lambda tx: make(tx, tickets, known, here, "desk", wanted))
    poller = Packaged(embedded, tickets, lambda who: Http(embedded, outside, who, None), Settings())
    trial = await poller.trial(found)
    assert (trial.ok, trial.alerts, now(embedded, found).cursor) == (True, 1, None)
    assert (await poller.poll(found)).new == 1
    assert now(embedded, found).cursor == 7
    assert desk.asked[0].headers["authorization"] == "Bearer s3cret"
    assert desk.asked[0].url.path == "/v1/tickets"
