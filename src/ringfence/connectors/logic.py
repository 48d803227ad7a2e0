"""Decisions, pauses and values inside a playbook."""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from ringfence.actions import (
    ActionError,
    Connector,
    Context,
    Duration,
    Effect,
    Json,
    Release,
    Result,
    RunExpression,
    Wait,
    holds,
)
from ringfence.actions import ExpressionError as BadExpression

connector = Connector(
    "logic",
    title="Logic",
    version="1.0.0",
    description="Decide, wait and keep values, without asking anybody outside.",
    category="Core",
    releases=(
        Release(
            "1.0.0", "2026-11-22", "First release: conditions, switches, delays, values, loops and questions to people."
        ),
    ),
)

_PATIENCE = Duration.parse("1 h")
_LONGEST_WAIT: Final = timedelta(days=90)
_CASE: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
_RESERVED: Final = re.compile(r"error|otherwise|stopped_.*")
_MOST_CASES: Final = 50


@connector.action(effect=Effect.PURE, outcomes=("yes", "no"))
async def condition(
    context: Context,
    test: Annotated[RunExpression, Field(description="JMESPath over the run document; written without ${ }.")],
) -> Result:
    """Go one way or the other: `yes` if the test is true, else `no`.

    Null, false, and an empty text, list or object count as false; everything else is true, 0 too.

    Example:
        risky:
          action: logic.condition
          with: {test: "trigger.alert.severity == 'High'"}
    """
    try:
        answer = holds(test, context.document())
    except BadExpression as error:
        advice = "Correct the test, or look at the outputs of the steps that it names."
        raise ActionError(error.message, code="expression-failed", permanent=True, advice=advice) from None
    return Result("yes" if answer else "no", {"test": answer})


@connector.action(effect=Effect.PURE, outcomes=("otherwise",), branches="cases")
async def switch(
    context: Context,
    cases: Annotated[
        dict[str, Json],
        Field(description="Each case by its name, with the value, or the list of values, that it is for; at most 50."),
    ],
    value: Annotated[Json, Field(description="What is looked at; as a rule ${…}.")] = None,
) -> Result:
    """Go one of several ways: the names of the cases are the outcomes, the first that has the value is taken.

    `otherwise`: no case has it. Text is compared without regard to upper and lower case, anything else exactly.

    Example:
        by_severity:
          action: logic.switch
          with:
            value: "${trigger.alert.severity}"
            cases: {urgent: High, usual: [Medium, Low]}
        look_at_once:
          action: incident.promote
          after: by_severity.urgent
    """
    if len(cases) > _MOST_CASES:
        raise _cannot(f"A switch has at most {_MOST_CASES} cases.")
    for name in cases:
        if not _CASE.fullmatch(name) or _RESERVED.fullmatch(name):
            raise _cannot(f"{name[:70]!r} cannot be a case: its name is in small letters, and not error or otherwise.")
    found = _folded(value)
    for name, wanted in cases.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if any(_same(_folded(each), found) for each in values):
            return Result(name, {"case": name, "value": value})
    return Result("otherwise", {"case": None, "value": value})


@connector.action(effect=Effect.PURE, outcomes=("stopped_succeeded", "stopped_failed", "stopped_cancelled"))
async def stop(
    context: Context,
    reason: Annotated[str, Field(description="Why, for those who look at the run.", min_length=1, max_length=1_000)],
    status: Annotated[
        Literal["succeeded", "failed", "cancelled"], Field(description="How the run ends.")
    ] = "succeeded",
) -> Result:
    """End the run here: steps at work come to their end, those that wait are given up, and no other begins.

    `stopped_succeeded`, `stopped_failed` and `stopped_cancelled` are the status of the run; nothing comes after them. What
    was done stays: a host that is cut off remains so until it is released.

    Example:
        nothing_to_do:
          action: logic.stop
          with: {status: succeeded, reason: "Defender has dealt with ${trigger.alert.title}."}
    """
    context.log("info", f"The run was ended: {reason}")
    return Result(f"stopped_{status}", {"status": status, "reason": reason})


@connector.action(effect=Effect.PURE)
async def delay(
    context: Context,
    duration: Annotated[Duration, Field(description="How long to wait, e.g. 30 min; at most 30 d.")],
) -> Json | Wait:
    """Wait for a length of time; the run is parked meanwhile and survives restarts.

    Example:
        pause:
          action: logic.delay
          with: {duration: 30 min}
    """
    if context.resumed is None:
        if duration.timedelta > timedelta(days=30):
            message = f"A delay of {duration} is longer than 30 d."
            raise ActionError(message, code="delay-too-long", permanent=True, advice="Use a shorter duration.")
        until = context.now() + duration.timedelta
        context.log("info", f"Waiting for {duration}.")
        return Wait(until=until, state={"until": until.isoformat()})
    until = datetime.fromisoformat(_until(context.resumed))
    if context.now() < until:
        return Wait(until=until, state=context.resumed)
    return {"until": until.isoformat()}


@connector.action(effect=Effect.PURE)
async def wait_until(
    context: Context,
    moment: Annotated[
        str,
        Field(
            alias="time",
            description="A moment as ISO 8601 (2026-01-31T08:00:00Z), or a time of day (08:00), which comes next.",
            min_length=1,
            max_length=40,
        ),
    ],
    zone: Annotated[str, Field(description="Where no zone is given: its name, e.g. Europe/Berlin.")] = "UTC",
) -> Json | Wait:
    """Wait until a moment, at most 90 d ahead; the run is parked meanwhile and survives restarts.

    A moment that has passed is no reason to wait: the run goes on at once.

    Example:
        office_hours:
          action: logic.wait_until
          with: {time: "08:00", zone: Europe/Berlin}
    """
    if context.resumed is None:
        until = _moment(moment, zone, context.now())
        if until - context.now() > _LONGEST_WAIT:
            message = f"{until.isoformat()} is more than 90 d ahead."
            raise ActionError(message, code="wait-too-long", permanent=True, advice="Use an earlier moment.")
        context.log("info", f"Waiting until {until.isoformat()}.")
    else:
        until = datetime.fromisoformat(_until(context.resumed))
    if context.now() < until:
        return Wait(until=until, state={"until": until.isoformat()})
    return {"until": until.isoformat()}


@connector.action(effect=Effect.PURE, name="set")
async def set_values(
    context: Context,
    values: Annotated[dict[str, Json], Field(description="Names and their values; later steps see steps.NAME.name.")],
) -> Json:
    """Keep values under names, for later steps to use.

    Example:
        names:
          action: logic.set
          with: {values: {host: "${trigger.alert.computerDnsName}"}}
    """
    return dict(values)


@connector.action(effect=Effect.WRITE, outcomes=("approved", "rejected", "expired"), repeatable=True)
async def approval(
    context: Context,
    question: Annotated[str, Field(description="What people are asked; a yes means: go on.", min_length=1)],
    of: Annotated[
        str | list[str] | None, Field(description="Who may answer: people or teams, by name; everybody if left out.")
    ] = None,
    timeout: Annotated[Duration, Field(description="How long people have to answer; at most 30 d.")] = _PATIENCE,
    on_silence: Annotated[
        Literal["expire", "escalate"],
        Field(
            description="What becomes of it without enough answers: it is over (expire), or goes to others too (escalate)."
        ),
    ] = "expire",
    escalate_to: Annotated[
        str | list[str] | None, Field(description="People or teams that it is escalated to; everybody if left out.")
    ] = None,
    count: Annotated[int, Field(description="So many different people must say yes.", ge=1, le=5)] = 1,
) -> Result | Wait:
    """Ask people, and go on by their answer; the run is parked meanwhile and survives restarts.

    `approved`: enough people said yes. `rejected`: one said no. `expired`: nobody, or too few, answered in time. Without
    `timeout` people have 1 h; an escalation gives as long again. They answer by page, command line, API or a link in a
    notification.

    Example:
        ask:
          action: logic.approval
          with: {of: tier-2, question: "Isolate ${trigger.alert.computerDnsName}?", timeout: 15 min, on_silence: escalate}
    """
    if context.resumed is None:
        asked = await context.people.ask(
            of=_names(of),
            question=question,
            timeout=timeout.seconds,
            escalate=on_silence == "escalate",
            escalate_to=_names(escalate_to),
            count=count,
            key=context.step_key,
        )
        context.log("info", f"People were asked: {question}", approval=asked.id)
    else:
        asked = await context.people.answered(_approval(context.resumed))
    if asked.state == "open":
        # The topic wakes at once; the time settles it though nobody looks, and moves when it is escalated.
        return Wait(until=asked.expires_at, topics=(f"approval:{asked.id}",), state={"approval": asked.id})
    if asked.state not in ("approved", "rejected", "expired"):
        advice = "Start the playbook again if it still matters."
        raise ActionError(f"The question is over: {asked.detail}", code="question-void", permanent=True, advice=advice)
    context.log("info", asked.detail, approval=asked.id)
    return Result(asked.state, {"approval": asked.id, "detail": asked.detail, "answers": list(asked.answers)})


def _moment(text: str, zone: str, now: datetime) -> datetime:
    """Read a moment, or the next time of day, in a zone; returns it in UTC."""
    advice = "Write 2026-01-31T08:00:00Z or 08:00, and a zone as Europe/Berlin."
    try:
        place = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        raise ActionError(
            f"There is no time zone {zone[:60]!r}.", code="no-zone", permanent=True, advice=advice
        ) from None
    text = text.strip()
    try:
        if re.fullmatch(r"\d\d?:\d\d(:\d\d)?", text):
            at = time.fromisoformat(text.zfill(len(text) + (text[1] == ":")))
            here = now.astimezone(place)
            day = here.date() if here.time() <= at else here.date() + timedelta(days=1)
            return datetime.combine(day, at, place).astimezone(UTC)
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo is not None else found.replace(tzinfo=place)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ActionError(f"{text!r} is not a moment.", code="not-a-moment", permanent=True, advice=advice) from None


def _folded(value: Json) -> Json:
    return value.strip().casefold() if isinstance(value, str) else value


def _same(one: Json, other: Json) -> bool:
    # In Python, though not in JSON, true equals 1.
    return isinstance(one, bool) is isinstance(other, bool) and one == other


def _cannot(message: str) -> ActionError:
    advice = "Correct the step's cases in the playbook."
    return ActionError(message, code="cases-unusable", permanent=True, advice=advice)


def _names(given: str | list[str] | None) -> list[str]:
    if given is None:
        return []
    return [given] if isinstance(given, str) else list(given)


def _approval(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(found := resumed.get("approval"), str):
        return found
    raise TypeError("An approval was resumed with a state that is not its own.")


def _until(resumed: Json) -> str:
    if isinstance(resumed, dict) and isinstance(moment := resumed.get("until"), str):
        return moment
    raise TypeError("A delay was resumed with a state that is not its own.")
