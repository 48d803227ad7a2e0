"""The rows of drills: devices that may be rehearsed on, drills, schedules. Works inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import sqlalchemy as sa
from cronsim import CronSim, CronSimError

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.drills.model import OVER, Covered, Drill, State, Step, verdict
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.playbooks import library
from ringfence.playbooks.library import PlaybookState
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, drill_devices, drill_schedules, drills

SHORTEST: Final = 60.0
LONGEST: Final = 4 * 3600.0
USUAL: Final = 1800.0
"""Seconds that a drill may be given, and is given where nobody says."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may be rehearsed on."""

    organization_id: str
    machine_id: str
    account_id: str
    name: str
    device_group: str | None
    os_platform: str | None
    added_by: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class Schedule:
    """A drill that is begun by the clock; `patience` in seconds, `detail` says what became of the last one."""

    id: str
    organization_id: str
    machine_id: str
    playbook: str
    cron: str
    time_zone: str
    patience: float
    made_by: str
    made_at: datetime
    next_at: datetime | None
    detail: str


# --- devices -------------------------------------------------------------------------------------------------------------


def add_device(
    tx: Transaction,
    organization_id: str,
    account_id: str,
    machine_id: str,
    by: str,
    *,
    name: str | None = None,
    device_group: str | None = None,
    os_platform: str | None = None,
) -> Device:
    """Allow drills on a device; adding it again brings its name and group up to date."""
    machine_id = machine_id.lower()
    row = {
        "organization_id": organization_id,
        "machine_id": machine_id,
        "account_id": account_id,
        "name": storable(name or machine_id),
        "device_group": storable(device_group) if device_group else None,
        "os_platform": storable(os_platform) if os_platform else None,
        "added_by": storable(by),
        "added_at": clock.now(),
    }
    tx.upsert(drill_devices, [row])
    _changed(tx, organization_id, machine_id, f"drills on {row['name']} are allowed", by)
    return device(tx, organization_id, machine_id)


def remove_device(tx: Transaction, organization_id: str, name: str, by: str) -> Device:
    """Forbid drills on a device again, and forget its schedules; a drill that goes on ends as it would."""
    found = device(tx, organization_id, name)
    mine = (drill_devices.c.organization_id == organization_id, drill_devices.c.machine_id == found.machine_id)
    tx.execute(sa.delete(drill_devices).where(*mine))
    timed = (drill_schedules.c.organization_id == organization_id, drill_schedules.c.machine_id == found.machine_id)
    tx.execute(sa.delete(drill_schedules).where(*timed))
    _changed(tx, organization_id, found.machine_id, f"drills on {found.name} are not allowed any more", by)
    return found


def devices(tx: Transaction, organization_id: str) -> list[Device]:
    """Return the devices on which drills are allowed, by name."""
    query = sa.select(drill_devices).where(drill_devices.c.organization_id == organization_id)
    return [Device(**row) for row in tx.all(query.order_by(drill_devices.c.name, drill_devices.c.machine_id))]


def device(tx: Transaction, organization_id: str, name: str) -> Device:
    """Return a device by its machine id or its exact name; NotFound, with what to do, if drills are not allowed on it."""
    wanted = name.strip().rstrip(".").casefold()
    every = devices(tx, organization_id)
    found = [each for each in every if wanted in (each.machine_id, each.name.casefold())]
    found = found or [each for each in every if each.name.casefold().partition(".")[0] == wanted]
    if len(found) != 1:
        what = "is not on the list of test devices" if not found else "names several test devices"
        raise NotFound(
            f"{name[:100]!r} {what}.", advice="Allow drills on a device of yours: `ringfence drill device add NAME`."
        )
    return found[0]


# --- drills --------------------------------------------------------------------------------------------------------------


def begin(tx: Transaction, where: Device, playbook: str, *, real: bool, by: str, patience: float = USUAL) -> Drill:
    """Begin a drill; Conflict while another goes on with the device."""
    if not SHORTEST <= patience <= LONGEST:
        raise Invalid("A drill is given at least 1 minute and at most 4 hours.")
    stored = library.get(tx, where.organization_id, playbook)
    if stored.state is not PlaybookState.ACTIVE:
        raise Conflict(
            f"The playbook {stored.name!r} is {stored.state}.",
            advice="A drill rehearses what is active; resume it first.",
        )
    now = clock.now()
    row: dict[str, Any] = {
        "id": clock.new_id(),
        "organization_id": where.organization_id,
        "account_id": where.account_id,
        "machine_id": where.machine_id,
        "machine_name": where.name,
        "device_group": where.device_group,
        "os_platform": where.os_platform,
        "open_key": f"{where.organization_id}:{where.machine_id}",
        "playbook": stored.name,
        "real": real,
        "state": State.PREPARING.value,
        "steps": [],
        "started_by": storable(by),
        "started_at": now,
        "deadline_at": now + timedelta(seconds=patience),
        "next_at": now,
    }
    tx.insert_new(drills, [row])
    if tx.one(sa.select(drills.c.id).where(drills.c.id == row["id"])) is None:
        raise Conflict(
            f"A drill on {where.name} is going on already.",
            advice="Wait for its end, or abort it: `ringfence drill abort`.",
        )
    log.write(tx, Event.DRILL_STARTED, where.organization_id, row["id"], actor=by, details={"device": where.name})
    tx.changed(where.organization_id, "drill", row["id"], State.PREPARING)
    return get(tx, row["id"])


def get(tx: Transaction, drill_id: str, *, organization_id: str | None = None) -> Drill:
    """Return one drill; NotFound where there is none, or where it is another organization's."""
    row = tx.one(sa.select(drills).where(drills.c.id == drill_id))
    if row is None or (organization_id is not None and row["organization_id"] != organization_id):
        raise NotFound(f"There is no drill {drill_id[:60]!r}.", advice="List them: `ringfence drill list`.")
    return Drill.of(row)


def listing(tx: Transaction, organization_id: str, *, limit: int = 100) -> list[Drill]:
    """Return an organization's drills, the newest first."""
    query = sa.select(drills).where(drills.c.organization_id == organization_id)
    return [
        Drill.of(row) for row in tx.all(query.order_by(drills.c.started_at.desc(), drills.c.id.desc()).limit(limit))
    ]


def abort(tx: Transaction, drill_id: str, *, organization_id: str, by: str) -> Drill:
    """Ask for a drill to end now: its device is released first. Asking twice is harmless."""
    found = get(tx, drill_id, organization_id=organization_id)
    if found.over:
        raise Conflict(f"This drill is over: {found.state}.", advice="There is nothing to abort.")
    if found.aborted_by is None:
        tx.execute(
            sa.update(drills).where(drills.c.id == drill_id).values(aborted_by=storable(by), next_at=clock.now())
        )
        log.write(tx, Event.DRILL_ABORTED, organization_id, drill_id, actor=by)
        tx.changed(organization_id, "drill", drill_id, "abort")
    return get(tx, drill_id)


def claim(tx: Transaction, *, pause: float, limit: int = 20) -> list[Drill]:
    """Take the drills that are due; nobody else does for `pause` seconds."""
    now = clock.now()
    due = tx.all(
        sa.select(drills)
        .where(drills.c.next_at <= now)
        .order_by(drills.c.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = []
    for row in due:
        mine = (drills.c.id == row["id"], drills.c.next_at == row["next_at"])
        if tx.execute(sa.update(drills).where(*mine).values(next_at=now + timedelta(seconds=pause))).rowcount:
            taken.append(get(tx, row["id"]))
    return taken


def next_due(tx: Transaction) -> datetime | None:
    """Return when a drill or a schedule is due next."""
    found = [tx.scalar(sa.select(sa.func.min(table.c.next_at))) for table in (drills, drill_schedules)]
    return min((each for each in found if each is not None), default=None)


def advance(
    tx: Transaction,
    drill: Drill,
    *,
    state: State | None = None,
    detail: str | None = None,
    steps: Sequence[Step] = (),
    after: float = 0.0,
    **values: Any,
) -> Drill:
    """Write what a look at a drill has shown, and look again after so many seconds; lines are written once."""
    fresh = get(tx, drill.id)
    known = {each.name for each in fresh.steps}
    kept = [*fresh.steps, *(step for step in steps if step.name not in known)]
    values |= {"steps": [each.document() for each in kept], "next_at": clock.now() + timedelta(seconds=after)}
    if detail is not None:
        values["detail"] = storable(detail)[:1000]
    if state is not None:
        values["state"] = state.value
    if state in OVER:
        values |= {"next_at": None, "open_key": None, "finished_at": clock.now()}
    tx.execute(sa.update(drills).where(drills.c.id == drill.id).values(values))
    if len(kept) != len(fresh.steps) or state is not None or (detail is not None and detail != fresh.detail):
        tx.changed(drill.organization_id, "drill", drill.id, state or "detail")
    return get(tx, drill.id)


def end(tx: Transaction, drill: Drill, detail: str, steps: Sequence[Step] = (), *, watch: float = 0.0) -> Drill:
    """Write the last lines and the result; for `watch` seconds it is looked at whether anything still comes of it."""
    if drill.over:
        return drill
    kept = [*get(tx, drill.id).steps, *steps]
    result = verdict(kept, aborted=drill.aborted_by is not None)
    ended = advance(tx, drill, state=result, detail=detail, steps=steps)
    details = {"device": drill.machine_name, "result": result.value, "failed": [each.name for each in ended.failures]}
    log.write(tx, Event.DRILL_ENDED, drill.organization_id, drill.id, actor="drill", details=details)
    if watch:
        tx.execute(sa.update(drills).where(drills.c.id == drill.id).values(next_at=clock.now()))
    return get(tx, drill.id)


def watch(tx: Transaction, drill: Drill, *, pause: float, longest: float) -> None:
    """Look again at a drill that is over, in `pause` seconds, until it has been over for `longest`."""
    now = clock.now()
    goes_on = drill.finished_at is not None and (now - drill.finished_at).total_seconds() < longest
    upcoming = now + timedelta(seconds=pause) if goes_on else None
    tx.execute(sa.update(drills).where(drills.c.id == drill.id).values(next_at=upcoming))


def forget(tx: Transaction, drill: Drill) -> None:
    """Look at a drill no more."""
    tx.execute(sa.update(drills).where(drills.c.id == drill.id).values(next_at=None))


def note(tx: Transaction, drill: Drill, detail: str) -> None:
    """Say something more of a drill that is over."""
    tx.execute(sa.update(drills).where(drills.c.id == drill.id).values(detail=storable(detail)[:1000]))
    tx.changed(drill.organization_id, "drill", drill.id, "detail")


def coverage(tx: Transaction, organization_id: str, *, days: int = 90) -> list[Covered]:
    """Return what was rehearsed in the last days, by device group and operating system of the test devices."""
    since = clock.now() - timedelta(days=days)
    recent = [each for each in listing(tx, organization_id, limit=10_000) if each.started_at >= since]
    rows: dict[tuple[str, str], list[Drill]] = {}
    counted: dict[tuple[str, str], int] = {}
    for each in devices(tx, organization_id):
        key = (each.device_group or "", each.os_platform or "")
        counted[key] = counted.get(key, 0) + 1
        rows.setdefault(key, [])
    for drill in recent:
        rows.setdefault((drill.device_group or "", drill.os_platform or ""), []).append(drill)
    return [
        Covered(
            device_group=key[0],
            os_platform=key[1],
            devices=counted.get(key, 0),
            drills=len(found),
            passed=sum(each.state is State.PASSED for each in found),
            last_passed_at=max((each.started_at for each in found if each.state is State.PASSED), default=None),
        )
        for key, found in sorted(rows.items())
    ]


# --- schedules -----------------------------------------------------------------------------------------------------------


def schedule(
    tx: Transaction, where: Device, playbook: str, *, cron: str, time_zone: str, by: str, patience: float = USUAL
) -> Schedule:
    """Begin drills by the clock; Invalid if the expression or the time zone cannot be read."""
    if not SHORTEST <= patience <= LONGEST:
        raise Invalid("A drill is given at least 1 minute and at most 4 hours.")
    library.get(tx, where.organization_id, playbook)
    row = {
        "id": clock.new_id(),
        "organization_id": where.organization_id,
        "machine_id": where.machine_id,
        "playbook": playbook,
        "cron": cron,
        "time_zone": time_zone,
        "patience": patience,
        "made_by": storable(by),
        "made_at": clock.now(),
        "next_at": following(cron, time_zone, clock.now()),
    }
    tx.execute(sa.insert(drill_schedules).values(row))
    _changed(
        tx, where.organization_id, where.machine_id, f"drills on {where.name} are scheduled: {cron} ({time_zone})", by
    )
    return next(each for each in schedules(tx, where.organization_id) if each.id == row["id"])


def schedules(tx: Transaction, organization_id: str) -> list[Schedule]:
    """Return an organization's schedules, the next first."""
    query = sa.select(drill_schedules).where(drill_schedules.c.organization_id == organization_id)
    return [Schedule(**row) for row in tx.all(query.order_by(drill_schedules.c.next_at, drill_schedules.c.id))]


def unschedule(tx: Transaction, organization_id: str, schedule_id: str, by: str) -> None:
    """Forget a schedule; NotFound if there is none."""
    mine = (drill_schedules.c.id == schedule_id, drill_schedules.c.organization_id == organization_id)
    if not tx.execute(sa.delete(drill_schedules).where(*mine)).rowcount:
        raise NotFound("There is no such schedule.", advice="List them: `ringfence drill schedule list`.")
    _changed(tx, organization_id, schedule_id, "a schedule of drills was removed", by)


def due_schedules(tx: Transaction) -> list[Schedule]:
    """Take the schedules whose moment has come, each for one worker, and set their next moment."""
    now = clock.now()
    taken = []
    for row in tx.all(sa.select(drill_schedules).where(drill_schedules.c.next_at <= now)):
        found = Schedule(**row)
        mine = (drill_schedules.c.id == found.id, drill_schedules.c.next_at == found.next_at)
        upcoming = following(found.cron, found.time_zone, now)
        if tx.execute(sa.update(drill_schedules).where(*mine).values(next_at=upcoming)).rowcount:
            taken.append(found)
    return taken


def begun(tx: Transaction, found: Schedule, detail: str) -> None:
    """Keep what became of a scheduled drill."""
    tx.execute(sa.update(drill_schedules).where(drill_schedules.c.id == found.id).values(detail=storable(detail)[:500]))
    tx.changed(found.organization_id, "drill", found.id, "scheduled")


def following(cron: str, time_zone: str, after: datetime) -> datetime | None:
    """Return the next moment of a cron expression, None if there is none any more; Invalid if it cannot be read."""
    try:
        moment = next(CronSim(cron, after.astimezone(ZoneInfo(time_zone))), None)
    except CronSimError as error:
        raise Invalid(
            f"{cron[:60]!r} is not a cron expression: {error}.", advice="Write for example `0 9 * * 1`."
        ) from None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(f"There is no time zone {time_zone[:60]!r}.", advice="Write for example Europe/Rome.") from None
    return None if moment is None else moment.astimezone(after.tzinfo)


def account_of(tx: Transaction, drill: Drill) -> sa.RowMapping:
    """Return the addresses of the account that a drill goes through."""
    row = tx.one(
        sa.select(accounts.c.login_url, accounts.c.api_url, accounts.c.tenant_id).where(
            accounts.c.id == drill.account_id
        )
    )
    assert row is not None, "an account takes its drills with it"
    return row


def _changed(tx: Transaction, organization_id: str, subject_id: str, what: str, by: str) -> None:
    log.write(tx, Event.DRILL_CHANGED, organization_id, subject_id, details={"what": what}, actor=by)
    tx.changed(organization_id, "drill", subject_id, "changed")
