import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from graph_samples import a_graph_alert
from listening_world import a_version, publish, runs_of
from ringfence.accounts import records
from ringfence.alerts.source import Source
from ringfence.containment import service as containment
from ringfence.containment.model import Containment
from ringfence.incidents import service, work
from ringfence.incidents.model import Author
from ringfence.listeners.feed import CURSOR, LINEAGE, ChangeFeed
from ringfence.listeners.pacing import Backoff
from ringfence.playbooks import library
from ringfence.playbooks.library import StoredPlaybook
from ringfence.storage import Database, Transaction, changes
from ringfence.storage.cursors import position
from ringfence.storage.tables import alert_versions, feed_cursors


class Installation:
    """An organization with an account, whose changes are handled when the test says so."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.account = a_stored_account(database, self.organization)
        self.feed = ChangeFeed(database)
        database.run_now(lambda tx: position(tx, CURSOR))

    def publish(self, name: str, trigger: str) -> StoredPlaybook:
        return publish(self.database, self.organization, name, trigger)

    async def handle(self, feed: ChangeFeed | None = None) -> list[str]:
        """Handle what is above the cursor, as a worker does that has just started."""
        start = self.database.run_now(lambda tx: position(tx, CURSOR))
        batch = self.database.read_now(lambda tx: changes.after(tx, start))
        return await (feed or self.feed).handle(batch)

    def contain(self, key: str, **values: Any) -> Containment:
        target = key.encode().hex().ljust(40, "0")[:40]
        given: dict[str, Any] = {"target": target, "reason": "Ransomware", "requested_by": "ada", "key": key}
        return self.database.run_now(
            lambda tx: containment.request(
                tx, organization_id=self.organization, account_id=self.account.id, **given | values
            )
        )

    def deliver(self, name: str, **values: Any) -> None:
        a_version(self.database, self.organization, self.account.id, name, **values)

    def fail(self, reason: str) -> None:
        self.database.run_now(lambda tx: records.mark_failed(tx, self.account.id, reason))


async def test_a_containment_that_fits_starts_the_playbook_with_how_it_stands(database: Database) -> None:
    world = Installation(database)
    playbook = world.publish("Watch", "{type: change, of: containment, kinds: requested, where: containment.reason}")
    world.publish("Other kind", "{type: change, of: containment, kinds: released}")
    world.publish("Other noun", "{type: change, of: account}")
    made = world.contain("one")
    await world.handle()
    (run,) = runs_of(database)
    assert (run["playbook_id"], run["account_id"]) == (playbook.id, world.account.id)
    trigger = run["trigger"]
    assert (trigger["change"]["kind"], trigger["containment"]["id"]) == ("requested", made.id)
    assert (trigger["containment"]["state"], trigger["account_name"]) == ("requested", "contoso")
    assert await world.handle() == []


async def test_an_account_that_fails_starts_the_playbook_without_its_secret(database: Database) -> None:
    world = Installation(database)
    world.publish(
        "Watch", "{type: change, of: account, kinds: [failed], where: \"contains(account.state_reason, 'no')\"}"
    )
    world.fail("no such client")
    await world.handle()
    (run,) = runs_of(database)
    assert run["trigger"]["account"]["state"] == "failed"
    assert "secret" not in str(run["trigger"])


async def test_an_alert_starts_the_playbook_with_the_version_that_the_change_brought(database: Database) -> None:
    world = Installation(database)
    world.publish("Watch", "{type: change, of: alert, where: alert.severity == 'High'}")
    world.deliver("one", severity="Medium")
    world.deliver("two")
    await world.handle()
    (run,) = runs_of(database)
    assert run["alert_version"] == 1
    assert "alert" not in run["trigger"]
    world.deliver("two", status="InProgress")
    world.deliver("two", status="Resolved")
    await world.handle()
    assert [run["alert_version"] for run in runs_of(database)] == [1, 2, 3]


async def test_an_alert_of_graph_is_asked_in_the_form_that_all_sources_share(embedded: Database) -> None:
    world = Installation(embedded)
    world.publish("Watch", "{type: change, of: alert, where: alert.severity == 'High' && alert.machineId}")
    world.deliver("one")
    raw = json.dumps(a_graph_alert("one"))
    embedded.run_now(lambda tx: tx.execute(sa.update(alert_versions).values(raw=raw, source=Source.GRAPH)))
    await world.handle()
    (run,) = runs_of(embedded)
    assert run["alert_version"] == 1


async def test_what_ringfence_wrote_to_an_alert_itself_starts_nothing(embedded: Database) -> None:
    world = Installation(embedded)
    world.publish("Watch", "{type: change, of: alert, kinds: updated}")
    world.deliver("one")
    world.deliver("one", status="InProgress", standing="own")
    await world.handle()
    assert runs_of(embedded) == []
    # Somebody else's change, and right after it one of ours: the first one counts.
    world.deliver("one", status="Resolved")
    world.deliver("one", status="Resolved", standing="own")
    await world.handle()
    assert [run["alert_version"] for run in runs_of(embedded)] == [3]


async def test_a_change_starts_a_playbook_once_over_workers_and_restarts(database: Database) -> None:
    world = Installation(database)
    world.publish("Watch", "{type: change, of: containment, kinds: requested}")
    for key in ("one", "two", "three"):
        world.contain(key)
    start = world.database.run_now(lambda tx: position(tx, CURSOR))
    batch = world.database.read_now(lambda tx: changes.after(tx, start))
    feeds = [ChangeFeed(database) for _ in range(4)]
    found = await asyncio.gather(*(feed.handle(batch) for feed in feeds))
    assert sorted(len(each) for each in found) == [0, 0, 0, 3]
    assert database.read_now(lambda tx: tx.scalar(sa.select(feed_cursors.c.position))) == batch[-1].id
    assert await world.handle(ChangeFeed(database)) == []
    # A cursor that was lost with a restored backup: the runs themselves know their cause.
    database.run_now(lambda tx: tx.execute(sa.update(feed_cursors).values(position=0)))
    await world.handle(ChangeFeed(database))
    assert len(runs_of(database)) == 3


async def test_changes_while_nobody_worked_are_found_again(embedded: Database) -> None:
    world = Installation(embedded)
    world.publish("Watch", "{type: change, of: containment, kinds: requested}")
    world.contain("one")
    stop = asyncio.Event()
    task = asyncio.create_task(ChangeFeed(embedded).run_forever(stop))
    await _until(lambda: len(runs_of(embedded)) == 1)
    world.contain("two")
    await _until(lambda: len(runs_of(embedded)) == 2)
    stop.set()
    await asyncio.wait_for(task, 90)


async def test_it_goes_on_after_a_failure(embedded: Database) -> None:
    world = Installation(embedded)
    world.publish("Watch", "{type: change, of: containment, kinds: requested}")
    stop = asyncio.Event()
    failures: list[None] = []

    class Failing(ChangeFeed):
        def _start(self, batch: Any, tx: Transaction) -> list[str]:
            if not failures:
                failures.append(None)
                raise RuntimeError("the database went away")
            return super()._start(batch, tx)

    task = asyncio.create_task(Failing(embedded, Backoff(first=0.0)).run_forever(stop))
    world.contain("one")
    await _until(lambda: len(runs_of(embedded)) == 1)
    stop.set()
    await asyncio.wait_for(task, 90)
    assert failures == [None]


async def test_what_changed_before_publishing_or_while_paused_starts_nothing(embedded: Database) -> None:
    world = Installation(embedded)
    world.contain("one")
    world.publish("Watch", "{type: change, of: containment, kinds: requested}")
    await world.handle()
    embedded.run_now(lambda tx: library.pause(tx, world.organization, "Watch"))
    world.contain("two")
    embedded.run_now(lambda tx: library.resume(tx, world.organization, "Watch"))
    await world.handle()
    assert runs_of(embedded) == []
    world.contain("three")
    await world.handle()
    assert len(runs_of(embedded)) == 1


async def test_a_playbook_does_not_start_itself_nor_those_that_led_to_it(embedded: Database) -> None:
    world = Installation(embedded)
    first = world.publish("First", "{type: change, of: containment, kinds: requested}")
    second = world.publish("Second", "{type: change, of: containment, kinds: requested}")
    world.contain("by a person")
    await world.handle()
    by_first, by_second = runs_of(embedded, first)[0]["id"], runs_of(embedded, second)[0]["id"]
    # What the first one's run contains starts the second, and what that one contains starts neither again.
    world.contain(f"{by_first}:one:0", run_id=by_first, target="a" * 40)
    await world.handle()
    assert [len(runs_of(embedded, each)) for each in (first, second)] == [1, 2]
    led_to = runs_of(embedded, second)[1]
    assert led_to["trigger"][LINEAGE] == [first.id]
    world.contain(f"{led_to['id']}:one:0", run_id=led_to["id"], target="b" * 40)
    await world.handle()
    assert [len(runs_of(embedded, each)) for each in (first, second)] == [1, 2]
    assert by_second != led_to["id"]


async def test_joining_a_hold_counts_as_having_had_a_hand_in_it(embedded: Database) -> None:
    world = Installation(embedded)
    watch = world.publish("Watch", "{type: change, of: containment, kinds: [requested, held]}")
    world.contain("by a person", target="c" * 40)
    await world.handle()
    (run,) = runs_of(embedded, watch)
    world.contain(f"{run['id']}:one:0", run_id=run["id"], target="c" * 40)
    await world.handle()
    assert len(runs_of(embedded, watch)) == 1


async def test_what_is_gone_by_now_starts_nothing(embedded: Database) -> None:
    world = Installation(embedded)
    world.publish("Watch", "{type: change, of: account}")
    embedded.run_now(lambda tx: tx.changed(world.organization, "account", "gone", "failed"))
    assert await world.handle() == []


def test_the_cursor_begins_at_the_newest_change(database: Database) -> None:
    an_organization(database)
    newest = database.read_now(changes.latest)
    assert newest > 0
    assert database.run_now(lambda tx: position(tx, CURSOR)) == newest
    an_organization(database, "Fabrikam")
    assert database.run_now(lambda tx: position(tx, CURSOR)) == newest
    rows = database.read_now(lambda tx: tx.all(sa.select(feed_cursors)))
    assert [(row["name"], row["position"]) for row in rows] == [(CURSOR, newest)]


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(90):
        while not done():  # noqa: ASYNC110 - what is waited for is a row, which rings no bell in this test
            await asyncio.sleep(0.01)


async def test_a_change_of_an_incident_starts_a_playbook_about_its_first_alert(database: Database) -> None:
    world = Installation(database)
    watch = world.publish(
        "Watch", "{type: change, of: incident, kinds: created, where: \"incident.severity == 'High'\"}"
    )
    alert_id = a_version(database, world.organization, world.account.id, "da1")
    low = a_version(database, world.organization, world.account.id, "da2", severity="Low")
    for each in (alert_id, low):
        database.run_now(partial(_promote, world.organization, each, None))
    await world.handle()
    (run,) = runs_of(database, watch)
    assert (run["alert_id"], run["account_id"]) == (alert_id, world.account.id)
    assert run["trigger"]["change"]["kind"] == "created"
    assert run["trigger"]["incident"]["number"] == 1
    assert run["trigger"]["incident"]["machines"][0]["machine_id"] == "a" * 40


async def test_a_playbook_is_not_started_by_what_its_own_run_did_to_an_incident(embedded: Database) -> None:
    world = Installation(embedded)
    watch = world.publish("Watch", "{type: change, of: incident}")
    other = world.publish("Other", "{type: change, of: incident, kinds: noted}")
    alert_id = a_version(embedded, world.organization, world.account.id, "da1")
    embedded.run_now(partial(_promote, world.organization, alert_id, None))
    await world.handle()
    (run,) = runs_of(embedded, watch)
    by_run = Author("playbook Watch 1.0", run["id"], "key")
    embedded.run_now(lambda tx: work.note(tx, world.organization, 1, "Seen", by_run))
    await world.handle()
    assert len(runs_of(embedded, watch)) == 1
    (second,) = runs_of(embedded, other)
    assert second["trigger"][LINEAGE] == [watch.id]
    embedded.run_now(lambda tx: service.remove(tx, world.organization, 1, alert_id, Author("ada")))
    await world.handle()
    assert runs_of(embedded, watch)[-1]["alert_id"] is None


def _promote(organization: str, alert_id: str, run_id: str | None, tx: Transaction) -> None:
    service.promote(tx, organization, [alert_id], Author("ada", run_id))
