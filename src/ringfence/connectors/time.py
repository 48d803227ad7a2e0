"""Moments and lengths of time: now, read, reckon, write, compare."""

import re
from datetime import UTC, date, datetime, timedelta, tzinfo
from datetime import time as clock_time
from email.utils import parsedate_to_datetime
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from ringfence.actions import ActionError, Connector, Context, Duration, Effect, Json, Release, Result

connector = Connector(
    "time",
    title="Time",
    version="1.0.0",
    description="Moments and lengths of time: now, read, reckon, write, compare.",
    category="Core",
    releases=(
        Release("1.0.0", "2026-11-22", "First release: now, read, reckon, write and compare moments and lengths."),
    ),
)

_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DIRECTIVES: Final = re.compile(r"(?:[^%]|%[aAbBdfGHIjmMpSuUVwWyYzZ%])*\Z")
_LONGEST: Final = timedelta(days=366 * 100)

Moment = Annotated[
    str | float,
    Field(
        union_mode="left_to_right",
        description="A moment: ISO 8601, the date of a mail, or seconds or milliseconds since 1970.",
    ),
]
Zone = Annotated[str, Field(description="A time zone by name, e.g. Europe/Berlin.", min_length=1, max_length=60)]
_NOTHING: Final = Duration.parse("0 s")


@connector.action(effect=Effect.PURE)
async def now(context: Context, zone: Zone = "UTC") -> Json:
    """Give the present moment.

    The output, of this and of the other actions that give a moment, has `utc` and `local` (ISO 8601), `zone`, `date`, `time`,
    `weekday` (mon to sun), `week` (of ISO 8601), `epoch` (seconds) and `epoch_ms`.

    Example:
        begun:
          action: time.now
          with: {zone: Europe/Berlin}
    """
    return _described(context.now(), _zone(zone))


@connector.action(effect=Effect.PURE)
async def parse(
    context: Context,
    moment: Annotated[Moment, Field(alias="time")],
    form: Annotated[
        str | None,
        Field(
            alias="format", description="How it is written, in the letters of strftime: %d.%m.%Y %H:%M.", max_length=100
        ),
    ] = None,
    zone: Zone = "UTC",
) -> Json:
    """Read a moment that is written in any usual way, or in the one that `format` says; without a zone it is in `zone`.

    Example:
        raised:
          action: time.parse
          with: {time: "${trigger.alert.alertCreationTime}", zone: Europe/Berlin}
    """
    place = _zone(zone)
    if form is None:
        return _described(_read(moment, place), place)
    _check(form)
    try:
        found = datetime.strptime(str(moment), form)  # noqa: DTZ007 - its zone is what is asked for
        return _described(found if found.tzinfo else found.replace(tzinfo=place), place)
    except (ValueError, OverflowError, re.error):
        raise _cannot(f"{str(moment)[:60]!r} is not written as {form!r}.") from None


@connector.action(effect=Effect.PURE)
async def add(
    context: Context,
    length: Annotated[Duration, Field(alias="add", description="How much later, e.g. 30 min.")] = _NOTHING,
    less: Annotated[Duration, Field(alias="subtract", description="How much earlier, e.g. 24 h.")] = _NOTHING,
    moment: Annotated[
        Moment | None, Field(alias="time", description="From when on, as in time.parse; now if left out.")
    ] = None,
    zone: Zone = "UTC",
) -> Json:
    """Give the moment that is so much later or earlier than another.

    Example:
        a_day_before:
          action: time.add
          with: {time: "${trigger.alert.alertCreationTime}", subtract: 24 h}
    """
    place = _zone(zone)
    begin = context.now() if moment is None else _read(moment, place)
    if max(length.seconds, less.seconds) > _LONGEST.total_seconds():
        raise _cannot("The length of time is longer than 100 years.")
    try:
        return _described(begin + length.timedelta - less.timedelta, place)
    except OverflowError:
        raise _cannot("There is no such moment.") from None


@connector.action(effect=Effect.PURE, name="format")
async def format_(
    context: Context,
    moment: Annotated[Moment, Field(alias="time")],
    form: Annotated[
        str,
        Field(
            alias="format", description="How it is written, in the letters of strftime.", min_length=1, max_length=100
        ),
    ] = "%Y-%m-%d %H:%M %Z",
    zone: Zone = "UTC",
) -> Json:
    """Write a moment as people read it.

    Example:
        shown:
          action: time.format
          with: {time: "${trigger.alert.alertCreationTime}", format: "%d.%m.%Y %H:%M", zone: Europe/Berlin}
    """
    _check(form)
    place = _zone(zone)
    return _read(moment, place).astimezone(place).strftime(form)


@connector.action(effect=Effect.PURE)
async def difference(
    context: Context,
    begin: Annotated[Moment, Field(alias="from")],
    end: Annotated[
        Moment | None, Field(alias="to", description="Until when, as in time.parse; now if left out.")
    ] = None,
) -> Json:
    """Give the time between two moments: `seconds`, `minutes`, `hours` and `days`, negative if the second comes first.

    Example:
        late:
          action: time.difference
          with: {from: "${trigger.alert.firstEventTime}", to: "${trigger.alert.alertCreationTime}"}
    """
    until = context.now() if end is None else _read(end, UTC)
    seconds = (until - _read(begin, UTC)).total_seconds()
    return {"seconds": seconds, "minutes": seconds / 60, "hours": seconds / 3_600, "days": seconds / 86_400}


@connector.action(effect=Effect.PURE)
async def zone(context: Context, moment: Annotated[Moment, Field(alias="time")], to: Zone) -> Json:
    """Give a moment as it is in another zone.

    Example:
        in_tokyo:
          action: time.zone
          with: {time: "${trigger.alert.alertCreationTime}", to: Asia/Tokyo}
    """
    place = _zone(to)
    return _described(_read(moment, UTC), place)


@connector.action(effect=Effect.PURE, outcomes=("inside", "outside"))
async def within(
    context: Context,
    begin: Annotated[str, Field(alias="from", description="From what time of day on, e.g. 08:00.")] = "08:00",
    end: Annotated[
        str, Field(alias="to", description="Until what time of day, e.g. 18:00; may be past midnight.")
    ] = "18:00",
    days: Annotated[
        list[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]] | None,
        Field(description="On which days they begin; Monday to Friday if left out."),
    ] = None,
    holidays: Annotated[
        list[date] | None, Field(description="Days, as 2026-12-25, on which they do not begin.")
    ] = None,
    moment: Annotated[
        Moment | None, Field(alias="time", description="When, as in time.parse; now if left out.")
    ] = None,
    zone: Zone = "UTC",
) -> Result:
    """Go one way or the other by whether it is in office hours.

    `inside`: the moment is in these hours. `outside`: it is not.

    Example:
        office:
          action: time.within
          with: {from: "08:00", to: "18:00", zone: Europe/Berlin}
    """
    place = _zone(zone)
    here = (context.now() if moment is None else _read(moment, place)).astimezone(place)
    first, last, at = _of_day(begin), _of_day(end), here.time()
    day = here.date()
    if first < last:
        open_ = first <= at < last
    else:
        open_ = at >= first or at < last
        if at < last:
            day -= timedelta(days=1)
    wanted = days if days is not None else list(_DAYS[:5])
    inside = open_ and _DAYS[day.weekday()] in wanted and day not in (holidays or [])
    return Result("inside" if inside else "outside", {"inside": inside, "local": here.isoformat()})


def _read(moment: str | float, place: tzinfo) -> datetime:
    try:
        if isinstance(moment, str) and not re.fullmatch(r"\s*-?\d{9,16}(\.\d{1,9})?\s*", moment):
            text = moment.strip()[:100]
            try:
                found = datetime.fromisoformat(text)
            except ValueError:
                found = parsedate_to_datetime(text)
            return (found if found.tzinfo else found.replace(tzinfo=place)).astimezone(UTC)
        number = float(moment)
        return datetime.fromtimestamp(number / 1_000 if abs(number) >= 1e11 else number, UTC)
    except (ValueError, OverflowError, OSError, TypeError, IndexError):
        raise _cannot(f"{str(moment)[:60]!r} is not a moment.") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise _cannot(f"There is no time zone {name!r}.") from None


def _of_day(text: str) -> clock_time:
    try:
        return clock_time.fromisoformat(text.strip())
    except ValueError:
        raise _cannot(f"{text[:40]!r} is not a time of day.") from None


def _check(form: str) -> None:
    # What else strftime knows differs from system to system.
    if not _DIRECTIVES.match(form):
        raise _cannot(f"{form!r} has a letter behind % that means nothing here.")


def _described(moment: datetime, place: ZoneInfo) -> Json:
    try:
        utc, here = moment.astimezone(UTC), moment.astimezone(place)
    except OverflowError:
        raise _cannot("There is no such moment.") from None
    return {
        "utc": utc.isoformat().replace("+00:00", "Z"),
        "local": here.isoformat(),
        "zone": place.key,
        "date": here.date().isoformat(),
        "time": here.time().isoformat("seconds"),
        "weekday": _DAYS[here.weekday()],
        "week": here.isocalendar().week,
        "epoch": int(utc.timestamp()),
        "epoch_ms": int(utc.timestamp() * 1_000),
    }


def _cannot(message: str) -> ActionError:
    advice = "Write moments as 2026-01-31T08:00:00Z, times of day as 08:00, zones as Europe/Berlin."
    return ActionError(message, code="time-unusable", permanent=True, advice=advice)
