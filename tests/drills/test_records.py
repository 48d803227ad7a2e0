from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization
from alert_samples import publish
from ringfence import clock
from ringfence.drills import records
from ringfence.drills.model import Drill, Mark, State, Step
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import library
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries

PLAYBOOK = "Contain malware"
LINE = Step("prepared", Mark.DONE, "Ready.", "2026-03-01T08:00:00Z")


class Home:
    """An organization with an account and a playbook."""

    def __init__(self, database: Database, name: str = "Contoso") -> None:
        self.database = database
        self.organization_id = an_organization(database, name)
        self.account_id = a_stored_account(database, self.organization_id).id
        publish(database, self.organization_id, PLAYBOOK, "{type: defender.alert}")

    def add(self, name: str = "tst-001.contoso.com", machine: str = "a" * 40, **values: Any) -> records.Device:
        return self.database.run_now(
            lambda tx: records.add_device(
                tx, self.organization_id, self.account_id, machine, "mara", name=name, **values
            )
        )

    def begin(self, device: records.Device, **options: Any) -> Drill:
        values: dict[str, Any] = {"real": False, "by": "mara"} | options
        return self.database.run_now(lambda tx: records.begin(tx, device, PLAYBOOK, **values))

    def run(self, work: Any) -> Any:
        return self.database.run_now(work)


@pytest.fixture
def home(database: Database) -> Home:
    return Home(database)


def test_a_device_is_found_by_its_id_its_name_and_its_first_label_and_by_no_other(home: Home) -> None:
    made = home.add()
    home.add("tst-0011.contoso.com", "b" * 40)
    for name in ("A" * 40, "TST-001.contoso.com.", "tst-001"):
        assert home.run(lambda tx, name=name: records.device(tx, home.organization_id, name)) == made
    with pytest.raises(NotFound, match="not on the list") as error:
        home.run(lambda tx: records.device(tx, home.organization_id, "tst"))
    assert "ringfence drill device add" in error.value.advice
    home.add("tst-001.fabrikam.com", "c" * 40)
    with pytest.raises(NotFound, match="several"):
        home.run(lambda tx: records.device(tx, home.organization_id, "tst-001"))


def test_adding_a_device_again_brings_it_up_to_date_and_removing_it_forgets_its_schedules(home: Home) -> None:
    home.add()
    made = home.add(device_group="Test devices", os_platform="Windows11")
    assert (made.device_group, made.os_platform) == ("Test devices", "Windows11")
    assert home.run(lambda tx: records.devices(tx, home.organization_id)) == [made]
    home.run(lambda tx: records.schedule(tx, made, PLAYBOOK, cron="0 9 * * 1", time_zone="UTC", by="mara"))
    home.run(lambda tx: records.remove_device(tx, home.organization_id, "tst-001", "mara"))
    assert home.run(lambda tx: records.devices(tx, home.organization_id)) == []
    assert home.run(lambda tx: records.schedules(tx, home.organization_id)) == []


def test_another_organization_s_devices_and_drills_are_not_there(home: Home) -> None:
    drill = home.begin(home.add())
    other = Home(home.database, "Fabrikam")
    with pytest.raises(NotFound):
        home.run(lambda tx: records.device(tx, other.organization_id, "tst-001"))
    with pytest.raises(NotFound):
        home.run(lambda tx: records.get(tx, drill.id, organization_id=other.organization_id))
    assert home.run(lambda tx: records.listing(tx, other.organization_id)) == []


def test_two_drills_on_one_device_at_once_are_refused_and_another_may_follow(home: Home) -> None:
    device = home.add()
    first = home.begin(device)
    with pytest.raises(Conflict, match="going on already"):
        home.begin(device)
    home.run(lambda tx: records.end(tx, first, "Done."))
    assert home.begin(device).id != first.id
    assert len(home.run(lambda tx: records.listing(tx, home.organization_id))) == 2


@pytest.mark.parametrize("patience", [59.0, 4 * 3600 + 1.0, float("nan")])
def test_a_drill_is_given_a_bounded_time(home: Home, patience: float) -> None:
    with pytest.raises(Invalid, match="1 minute"):
        home.begin(home.add(), patience=patience)


def test_only_an_active_playbook_is_rehearsed(home: Home) -> None:
    device = home.add()
    home.run(lambda tx: library.pause(tx, home.organization_id, PLAYBOOK))
    with pytest.raises(Conflict, match="paused"):
        home.begin(device)


def test_a_due_drill_is_taken_by_one(home: Home) -> None:
    drill = home.begin(home.add())
    assert [each.id for each in home.run(lambda tx: records.claim(tx, pause=60.0))] == [drill.id]
    assert home.run(lambda tx: records.claim(tx, pause=60.0)) == []
    upcoming = home.run(records.next_due)
    assert upcoming is not None
    assert upcoming > clock.now()


def test_lines_are_written_once_and_the_result_follows_from_them(home: Home) -> None:
    drill = home.begin(home.add())
    home.run(lambda tx: records.advance(tx, drill, steps=[LINE], state=State.OBSERVING))
    again = home.run(lambda tx: records.advance(tx, drill, steps=[LINE]))
    assert again.steps == (LINE,)
    failed = Step("released", Mark.FAILED, "No.", LINE.at)
    done = home.run(lambda tx: records.end(tx, again, "It failed.", [failed]))
    assert (done.state, done.open_key, done.next_at) == (State.FAILED, None, None)
    assert home.run(lambda tx: records.end(tx, done, "Again.")).detail == "It failed."
    events = home.database.read_now(lambda tx: [row["event"] for row in tx.all(sa.select(audit_entries.c.event))])
    assert [each for each in events if each.startswith("drill:")] == ["drill:changed", "drill:started", "drill:ended"]


def test_what_is_over_is_watched_for_a_while(home: Home) -> None:
    drill = home.begin(home.add())
    done = home.run(lambda tx: records.end(tx, drill, "Done.", watch=60.0))
    assert done.next_at is not None
    home.run(lambda tx: records.watch(tx, done, pause=10.0, longest=60.0))
    assert home.run(lambda tx: records.get(tx, done.id)).next_at > clock.now()
    home.run(lambda tx: records.note(tx, done, "More."))
    home.run(lambda tx: records.watch(tx, done, pause=10.0, longest=0.0))
    after = home.run(lambda tx: records.get(tx, done.id))
    assert (after.next_at, after.detail) == (None, "More.")
    home.run(lambda tx: records.forget(tx, done))


def test_aborting_twice_is_harmless_and_what_is_over_cannot_be_aborted(home: Home) -> None:
    drill = home.begin(home.add())
    for by in ("mara", "tom"):
        found = home.run(lambda tx, by=by: records.abort(tx, drill.id, organization_id=home.organization_id, by=by))
        assert found.aborted_by == "mara"
    ended = home.run(lambda tx: records.end(tx, found, "Aborted."))
    assert ended.state is State.ABORTED
    with pytest.raises(Conflict, match="over"):
        home.run(lambda tx: records.abort(tx, drill.id, organization_id=home.organization_id, by="mara"))


def test_coverage_counts_by_device_group_and_operating_system(home: Home) -> None:
    first = home.add(device_group="Test", os_platform="Windows11")
    home.add("tst-002", "b" * 40, device_group="Test", os_platform="Windows11")
    home.add("tst-003", "c" * 40, os_platform="Windows10")
    passed = home.begin(first)
    home.run(lambda tx: records.end(tx, passed, "Done."))
    drill = home.begin(first)
    home.run(lambda tx: records.end(tx, drill, "No.", [Step("released", Mark.FAILED, "No.", LINE.at)]))
    rows = home.run(lambda tx: records.coverage(tx, home.organization_id))
    found = [(each.device_group, each.os_platform, each.devices, each.drills, each.passed) for each in rows]
    assert found == [("", "Windows10", 1, 0, 0), ("Test", "Windows11", 2, 2, 1)]
    assert rows[1].last_passed_at is not None
    before = clock.now() + timedelta(days=91)
    clock.replace(lambda: before.timestamp())
    assert [each.drills for each in home.run(lambda tx: records.coverage(tx, home.organization_id))] == [0, 0]


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [("not cron", "UTC", "not a cron expression"), ("0 9 * * 1", "Nowhere/Land", "no time zone"), ("", "UTC", "cron")],
)
def test_a_schedule_that_cannot_be_read_is_refused(home: Home, cron: str, zone: str, said: str) -> None:
    device = home.add()
    with pytest.raises(Invalid, match=said):
        home.run(lambda tx: records.schedule(tx, device, PLAYBOOK, cron=cron, time_zone=zone, by="mara"))


def test_a_schedule_needs_a_playbook_and_a_bounded_time_and_can_be_forgotten(home: Home) -> None:
    device = home.add()
    options: dict[str, Any] = {"cron": "0 9 * * 1", "time_zone": "Europe/Rome", "by": "mara"}
    with pytest.raises(NotFound):
        home.run(lambda tx: records.schedule(tx, device, "Nothing", **options))
    with pytest.raises(Invalid):
        home.run(lambda tx: records.schedule(tx, device, PLAYBOOK, patience=1.0, **options))
    made = home.run(lambda tx: records.schedule(tx, device, PLAYBOOK, **options))
    assert made.next_at is not None
    assert home.run(lambda tx: records.due_schedules(tx)) == []
    home.run(lambda tx: records.unschedule(tx, home.organization_id, made.id, "mara"))
    with pytest.raises(NotFound):
        home.run(lambda tx: records.unschedule(tx, home.organization_id, made.id, "mara"))


def test_a_moment_of_a_schedule_is_taken_once(home: Home) -> None:
    device = home.add()
    made = home.run(lambda tx: records.schedule(tx, device, PLAYBOOK, cron="* * * * *", time_zone="UTC", by="mara"))
    later = made.next_at.timestamp() + 1
    clock.replace(lambda: later)
    assert [each.id for each in home.run(records.due_schedules)] == [made.id]
    assert home.run(records.due_schedules) == []
    home.run(lambda tx: records.begun(tx, made, "Began drill d-1."))
    assert home.run(lambda tx: records.schedules(tx, home.organization_id))[0].detail == "Began drill d-1."
