"""The contract for trigger services: what a connector declares to start playbooks, what it is handed, what it gives back.

A type of trigger service is its function, like an action:

    @connector.trigger_service(title="Tickets of Contoso")
    async def tickets(poll: Poll, project: Annotated[str, Field(description="Which project is read.")]) -> Polled:
        \"""Read the tickets that were opened since the last poll.\"""

People make services of it, each with parameters of its own. The function is called at the service's pace with nothing but its
`Poll` and those parameters, on a thread and an event loop of its own. Events are taken once: what a poll gives back and its
`cursor` are kept in one transaction, and an event whose id came before starts nothing again.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Protocol, Self, TypeAlias

from pydantic import BaseModel, ValidationError

from ringfence.actions.outside import HttpAnswer
from ringfence.actions.parameters import Parameter, derived, described, problems
from ringfence.errors import Invalid
from ringfence.playbooks.bounded import plain
from ringfence.playbooks.model import Json

MOST_EVENTS: Final = 500
"""How many events one poll may give back; the rest is for the next, which comes at once with `more`."""
LARGEST_EVENT: Final = 262_144
LARGEST_POLL: Final = 4_194_304
LARGEST_CURSOR: Final = 16_384
"""Characters of JSON: of one event, of all that one poll gives back, and of its cursor."""
LONGEST_ID: Final = 200
_LONGEST_TIMEOUT: Final = 300.0


class Reader(Protocol):
    """What reads for a poll; see `Poll.get`."""

    async def __call__(
        self, address: str, /, *, account: str | None, query: Mapping[str, str], headers: Mapping[str, str]
    ) -> HttpAnswer: ...


@dataclass(frozen=True, slots=True)
class Poll:
    """All that a poll is handed.

    `cursor` is what the last poll that ended well gave back, None at the first and after the parameters were changed. `begin`
    is how far back a first poll may go; `now` is the time. Both are in UTC.
    """

    cursor: Json
    begin: datetime
    now: datetime
    _read: Reader = field(repr=False)

    async def get(
        self,
        address: str,
        /,
        *,
        account: str | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> HttpAnswer:
        """Read from a service outside, as far as the organization allows it; any status is an answer.

        `account` names an HTTP account of the organization, whose credential is added and never seen; `address` may then be
        a path below the account's own. Raises ActionError where nothing could be read.
        """
        return await self._read(address, account=account, query=query or {}, headers=headers or {})


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened: its id, by which it is known again, and what playbooks see of it as `trigger.event`.

    `at` is when it happened, where that is known; from it the service's lag is told.
    """

    id: str
    data: Mapping[str, Json]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """What a poll gives back: events, the oldest first, and the cursor from which the next poll reads on.

    `more` asks for the next poll at once, instead of when the interval has passed.
    """

    events: Sequence[Event] = ()
    cursor: Json = None
    more: bool = False

    def checked(self) -> "Polled":
        """Return it as plain data that can be kept; ValueError, with what is wrong, where that is not possible."""
        events = list(self.events)
        if len(events) > MOST_EVENTS:
            raise ValueError(f"{len(events)} events came at once; {MOST_EVENTS} is the most. Give them back in parts.")
        room = LARGEST_POLL
        kept: list[Event] = []
        for number, each in enumerate(events, 1):
            event, size = _event(number, each)
            room -= size
            if room < 0:
                raise ValueError(
                    f"The events are larger than {LARGEST_POLL} characters of JSON. Give them back in parts."
                )
            kept.append(event)
        try:
            cursor, _ = _bounded(self.cursor, LARGEST_CURSOR)
        except ValueError as error:
            raise ValueError(f"The cursor cannot be kept: {error}") from None
        return Polled(tuple(kept), cursor, self.more is True)


def _bounded(value: object, most: int) -> tuple[Json, int]:
    """Return a value as JSON that has nothing of the package in it any more, and its size."""
    text = json.dumps(plain(value))
    if len(text) > most:
        raise ValueError(f"The value is larger than {most} characters of JSON.")
    found: Json = json.loads(text)
    return found, len(text)


def _event(number: int, given: object) -> tuple[Event, int]:
    if not isinstance(given, Event):
        raise ValueError(f"Event {number} is a {type(given).__name__}, and not an Event.")
    name = str.__str__(given.id) if isinstance(given.id, str) else ""
    if not name or len(name) > LONGEST_ID or not name.isprintable():
        raise ValueError(f"Event {number} has no id that can be used: 1 to {LONGEST_ID} characters that can be seen.")
    if given.at is not None and (not isinstance(given.at, datetime) or given.at.tzinfo is None):
        raise ValueError(f"Event {number} has a time without a time zone.")
    try:
        data, size = _bounded(given.data, LARGEST_EVENT)
    except ValueError as error:
        raise ValueError(f"Event {number} cannot be kept: {error}") from None
    if not isinstance(data, dict):
        raise ValueError(f"The data of event {number} is not a mapping.")
    return Event(name, data, None if given.at is None else datetime.fromtimestamp(given.at.timestamp(), UTC)), size


Polling: TypeAlias = Callable[..., Awaitable[Polled]]


@dataclass(frozen=True)
class ServiceType:
    """One type of trigger service; everything but the function itself is derived from the function."""

    id: str
    title: str
    description: str
    timeout: float
    parameters: Mapping[str, Parameter]
    function: Polling = field(repr=False)
    _model: type[BaseModel] = field(repr=False)

    @classmethod
    def of(cls, connector: str, function: Polling, name: str, title: str | None, timeout: float) -> Self:
        """Derive it from its function; ValueError where that is not declared as it must be."""
        type_id = f"{connector}.{name}"
        text = described(type_id, function, name)
        if not 0 < timeout <= _LONGEST_TIMEOUT:
            raise ValueError(f"{type_id} must take from 0 to {_LONGEST_TIMEOUT:g} s.")
        parameters, model = derived(type_id, function, Poll)
        return cls(type_id, title or name.replace("_", " ").capitalize(), text, timeout, parameters, function, model)

    def schema(self) -> dict[str, Any]:
        """Give the JSON Schema (2020-12) of the parameters."""
        return self._model.model_json_schema(by_alias=True) | {"title": self.title}

    def fitting(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Return parameters as they are kept; Invalid, with every problem, unless they fit."""
        try:
            model = self._model.model_validate(dict(given))
        except ValidationError as error:
            described = {each.name: each.description for each in self.parameters.values()}
            found = tuple(problems(error, lambda name: described.get(name, "")))
            raise Invalid(
                f"The parameters do not fit: {'; '.join(found[:3]).rstrip('.')}.",
                advice=f"{self.title} takes: {', '.join(self.parameters) or 'none'}.",
                problems=found,
            ) from None
        kept: dict[str, Json] = model.model_dump(mode="json", by_alias=True)
        return kept

    async def poll(self, poll: Poll, parameters: Mapping[str, Json]) -> Polled:
        """Call the function; whatever it raises is raised, TypeError where it gives back anything but a Polled."""
        model = self._model.model_validate(dict(parameters))
        arguments = {one.python_name: getattr(model, one.python_name) for one in self.parameters.values()}
        answer = await self.function(poll, **arguments)
        if not isinstance(answer, Polled):
            raise TypeError(f"{self.id} gave back a {type(answer).__name__}, and not a Polled.")
        return answer.checked()
