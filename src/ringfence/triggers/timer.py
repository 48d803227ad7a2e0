"""Timers: the moments at which one starts its playbook. Pure: what time it is, the caller says.

An interval is counted from 1970-01-01T00:00Z, so that `every: 15 min` means :00, :15, :30 and :45 for every worker and after
every restart, whatever the time zone does. A cron expression follows the wall clock of its time zone as Debian's cron does:
where the clock is put forward, a time that is skipped comes right after the gap; where it is put back, a fixed time comes
once, and an expression whose minute or hour begins with `*` goes on by real time through both hours.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

from ringfence.clock import iso
from ringfence.playbooks.model import Json
from ringfence.playbooks.triggers import TimerTrigger
from ringfence.triggers.base import Declaration

DECLARATION: Final = Declaration(
    type="timer",
    title="Timer",
    description="Starts at the moments of a cron expression in a time zone, or every so often.",
)
LATE: Final = timedelta(minutes=1)
"""How late a moment may be started without counting as missed."""
LONGEST_LOOK_BACK: Final = timedelta(days=7)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def moments(trigger: TimerTrigger, after: datetime) -> Iterator[datetime]:
    """Give the moments later than `after`, in UTC and in their order; the iterator may end where none comes in fifty years."""
    if trigger.every is not None:
        interval = trigger.every.timedelta
        number = (after - _EPOCH) // interval
        while True:
            number += 1
            yield _EPOCH + number * interval
    assert trigger.cron is not None, "a timer has one of both"
    last = after
    for local in CronSim(trigger.cron, after.astimezone(ZoneInfo(trigger.time_zone))):
        moment = local.astimezone(UTC)
        # Around a change of the clock the same moment may be found again by another name.
        if moment > last:
            last = moment
            yield moment


def due(trigger: TimerTrigger, after: datetime, now: datetime) -> tuple[list[datetime], int, datetime | None]:
    """Return which moments in (`after`, `now`] start a run, how many are passed over, and the next moment after `now`.

    Moments that are late count as missed: of all that are due, `catch_up: last` starts the latest, `none` those in time.
    """
    found: list[datetime] = []
    upcoming = None
    for moment in moments(trigger, max(after, now - LONGEST_LOOK_BACK)):
        if moment > now:
            upcoming = moment
            break
        found.append(moment)
    in_time = [moment for moment in found if now - moment <= LATE]
    started = in_time or (found[-1:] if trigger.catch_up == "last" else [])
    return started, len(found) - len(started), upcoming


def document(trigger: TimerTrigger, moment: datetime, missed: int) -> dict[str, Json]:
    """Return what playbooks see of a moment; `missed` is how many before it were passed over."""
    zone = ZoneInfo(trigger.time_zone)
    return {
        "type": DECLARATION.type,
        "at": iso(moment),
        "local_time": moment.astimezone(zone).isoformat(timespec="seconds"),
        "time_zone": trigger.time_zone,
        "missed": missed,
    }
