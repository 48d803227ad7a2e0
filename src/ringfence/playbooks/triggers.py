"""The triggers of the language beside Defender's alerts, as types: webhook, timer, mailbox, service, change, error, manual.

`VARIABLES` has, by type, what each publishes to its `where` and to the steps as `trigger.…`.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final, Literal, TypeAlias
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from ringfence.playbooks.durations import Duration

VARIABLES: Final[dict[str, tuple[str, ...]]] = {
    "webhook": ("type", "hook", "message_id", "received_at", "content_type", "body"),
    "timer": ("type", "at", "local_time", "time_zone", "missed"),
    "mailbox": ("type", "mailbox", "message"),
    "service": ("type", "service", "app", "event", "event_id", "at"),
    "change": ("type", "change", "alert", "containment", "incident", "account", "account_name"),
    "error": ("type", "run", "failed", "trigger", "steps", "alert"),
    "manual": ("type", "by", "input", "alert", "incident", "machine_id", "alert_id", "account", "version"),
}
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "alert": ("created", "updated"),
    "containment": (
        "requested",
        "denied",
        "not_needed",
        "awaiting_approval",
        "rejected",
        "expired",
        "approved",
        "submitting",
        "pending",
        "contained",
        "failed",
        "timed_out",
        "cancelled",
        "withdrawn",
        "releasing",
        "released",
        "release_failed",
        "superseded",
        "held",
        "let_go",
        "release_requested",
        "release_soon",
    ),
    "incident": (
        "created",
        "alerts_added",
        "alerts_removed",
        "updated",
        "noted",
        "task_added",
        "task_updated",
        "host_held",
        "host_let_go",
        "resolved",
        "reopened",
        "merged",
    ),
    "account": ("pending", "healthy", "degraded", "failed", "disabled", "poll_failed", "poll_recovered"),
}
"""What a noun's changes are called in the change feed."""

LEAST_INTERVAL: Final = timedelta(minutes=1)
LONGEST_INTERVAL: Final = timedelta(days=7)


class Listed:
    """Mark a list in which one text may stand for a list of one."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_listed, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        found = handler(schema)
        return {"anyOf": [found["items"], found]}


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _cron(value: str) -> str:
    if len(value) > 200 or len(value.split()) != 5:
        raise ValueError(
            f"{value[:60]!r} is not a cron expression. Write five fields: minute, hour, day, month, weekday."
        )
    try:
        first = next(CronSim(value, datetime(2026, 1, 1, tzinfo=UTC)), None)
    except CronSimError as error:
        raise ValueError(
            f"{value[:60]!r} is not a cron expression: {error}. Write five fields: minute, hour, day, month, weekday."
        ) from None
    if first is None:
        raise ValueError(f"{value[:60]!r} never comes. Name a day that exists.")
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"{value[:60]!r} is not a time zone. Write e.g. Europe/Berlin or UTC.") from None
    return value


def _interval(value: Duration) -> Duration:
    if not LEAST_INTERVAL <= value.timedelta <= LONGEST_INTERVAL or value.seconds % 60:
        raise ValueError(f"{value} cannot be an interval. Take whole minutes, from 1 min to 7 d, or use `cron`.")
    return value


Label: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=100)]


ServiceName: TypeAlias = Annotated[str, StringConstraints(min_length=1, max_length=201)]
"""A service's name, or that of another organization's, as OWNER/NAME."""


class Trigger(BaseModel):
    """What every trigger has: `account` is the connected account with which the steps reach Defender."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = ""
    account: str | None = None


class WebhookTrigger(Trigger):
    """Start when a signed message comes to a webhook (made by `ringfence webhook add`)."""

    type: Literal["webhook"]
    hook: Label
    where: str | None = None


class TimerTrigger(Trigger):
    """Start by the clock: at the moments of a cron expression in a time zone, or every so often.

    `catch_up` says what becomes of moments that passed while no worker ran: `last` starts one run for the latest of them.
    """

    type: Literal["timer"]
    cron: Annotated[str, AfterValidator(_cron)] | None = None
    every: Annotated[Duration, AfterValidator(_interval)] | None = None
    time_zone: Annotated[str, AfterValidator(_time_zone)] = "UTC"
    catch_up: Literal["last", "none"] = "last"

    @model_validator(mode="after")
    def _one_rhythm(self) -> "TimerTrigger":
        if (self.cron is None) == (self.every is None):
            raise ValueError("A timer has either `cron` or `every`. Write e.g. cron: '0 6 * * 1-5', or every: 15 min.")
        return self


class MailboxTrigger(Trigger):
    """Start when a mail comes to a mailbox (connected by `ringfence mailbox add`)."""

    type: Literal["mailbox"]
    mailbox: Label
    where: str | None = None


class ServiceTrigger(Trigger):
    """Start when a trigger service that a package brings gives an event (made by `ringfence service add --source APP`)."""

    type: Literal["service"]
    service: ServiceName
    where: str | None = None


class ChangeTrigger(Trigger):
    """Start when something that Ringfence keeps has changed; no kinds means any."""

    type: Literal["change"]
    of: Literal["alert", "incident", "containment", "account"]
    kinds: Annotated[tuple[str, ...], Listed()] = ()
    where: str | None = None

    @model_validator(mode="after")
    def _known_kinds(self) -> "ChangeTrigger":
        known = KINDS.get(self.of)
        for kind in self.kinds if known is not None else ():
            if kind not in (known or ()):
                raise ValueError(f"{kind[:60]!r} is no change of {self.of}. There are: {', '.join(known or ())}.")
        return self


class ErrorTrigger(Trigger):
    """Start when a run of another playbook has failed; `playbooks` are the names of those that count, none: all.

    A run that was started by a failure never starts another by its own.
    """

    type: Literal["error"]
    playbooks: Annotated[tuple[Label, ...], Listed()] = ()
    where: str | None = None


class ManualInput(BaseModel):
    """What a person is asked for when they start the playbook; the answer is text."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str = ""
    required: bool = False
    default: str = ""


def _input_name(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,63}", value):
        raise ValueError(
            f"{value[:70]!r} cannot be an input's name. Use letters, digits and underscores, not starting with a digit, "
            "64 at most."
        )
    return value


InputName: TypeAlias = Annotated[str, AfterValidator(_input_name)]


class ManualTrigger(Trigger):
    """Start only when a person asks for it; `on` says what it is started on, where that is an alert, a machine or an incident."""

    type: Literal["manual"]
    on: Annotated[tuple[Literal["alert", "machine", "incident"], ...], Listed()] = ()
    inputs: dict[InputName, ManualInput] = Field(default_factory=dict)


class NoTrigger(ManualTrigger):
    """What stands for the trigger of a component: nothing starts it but a step that calls it."""
