"""What an action sees, and the doors through which it reaches the world."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol, TypeAlias

from ringfence.actions.outside import AlertPort, CallerPort, HttpPort, MailPort, TablePort
from ringfence.incidents.forms import FormField
from ringfence.playbooks.model import Json

LogLevel: TypeAlias = Literal["error", "warn", "info", "debug", "trace"]


@dataclass(frozen=True, slots=True)
class ContainmentState:
    """Where a containment stands.

    `state` is a name of the containment's own state machine (requested, denied, pending, contained, released, …).
    `contained`: Defender confirmed that the host is cut off, and it still is as far as we know. `final`: no further
    change will come. `reasons` are the sentences of the policy's verdict; `detail` is one sentence for people.
    """

    id: str
    state: str
    machine_id: str
    machine_name: str
    reasons: tuple[str, ...] = ()
    final: bool = False
    contained: bool = False
    detail: str = ""

    def to_json(self) -> dict[str, Json]:
        """Give the state as the output of a step."""
        return {
            "id": self.id,
            "state": self.state,
            "machine_id": self.machine_id,
            "machine_name": self.machine_name,
            "reasons": list(self.reasons),
            "contained": self.contained,
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class ResponseState:
    """Where a response stands: what was asked for beside isolation.

    `state` is a name of the response's own state machine. `accepted`: Defender has taken it; `done`: Defender confirmed it;
    `final`: no further change will come. `made` is what Defender made of it: the machine action, or the indicators. `failed`
    are values that Defender refused. `code` names the error of a failure.
    """

    id: str
    state: str
    machine_id: str = ""
    machine_name: str = ""
    reasons: tuple[str, ...] = ()
    detail: str = ""
    accepted: bool = False
    done: bool = False
    final: bool = False
    made: Json = None
    failed: tuple[str, ...] = ()
    code: str = ""

    def to_json(self) -> dict[str, Json]:
        """Give the state as a part of the output of a step."""
        return {
            "id": self.id,
            "state": self.state,
            "machine_id": self.machine_id,
            "machine_name": self.machine_name,
            "reasons": list(self.reasons),
            "detail": self.detail,
        }


Compared: TypeAlias = str | int | float | bool | datetime | None
Comparison: TypeAlias = Literal["eq", "ne", "gt", "ge", "lt", "le", "startswith"]


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on a property of what is listed; several values of `eq` mean one of them."""

    name: str
    comparison: Comparison
    values: tuple[Compared, ...]


def where(name: str, comparison: Comparison, *values: Compared) -> Where | None:
    """Make a condition out of optional inputs of an action: None, which lists leave out, where no value was given."""
    kept = tuple(value for value in values if value is not None)
    return Where(name, comparison, kept) if kept else None


@dataclass(frozen=True, slots=True)
class Listing:
    """The first documents of a list; `cut`: there are more than were asked for."""

    items: list[Json]
    cut: bool


class ResponsePort(Protocol):
    """The only way for an action to do something to a host beside isolation, or to make indicators; policy decides behind it.

    `request` and `undo` return at once with where things stand; with a key seen before they return the state of what that
    key started. Changes are announced under the topic `response:ID`. Failures are ActionErrors.
    """

    async def request(
        self,
        kind: str,
        *,
        reason: str,
        key: str,
        machine: str = "",
        parameters: Mapping[str, Json] | None = None,
        undo_after: float | None = None,
    ) -> ResponseState:
        """Ask for something; `kind` is a name of `responses.kinds.Kind`, `undo_after` in seconds."""

    async def undo(self, kind: str, *, target: str, reason: str) -> ResponseState:
        """Take back what this run did: `target` is a response's id, or a machine's id or whole name.

        Two answers exist here only, both final: state `not_owned`, where nothing of ours is in effect, and `still_held`, where
        ours let go but another wants it too.
        """

    async def undo_indicators(self, indicators: Sequence[str], *, reason: str) -> Sequence[ResponseState]:
        """Delete indicators of ours by their ids; those that none of ours made are told as one state `not_owned`."""

    async def state(self, response: str) -> ResponseState:
        """Tell where a response stands, or the one that it joined."""


class DefenderPort(Protocol):
    """Microsoft's APIs for the account of the run, by the operation ids of Microsoft's fact book.

    `arguments` are those of the operation's method of `ringfence.defender.DefenderClient`, by name; answers are the documents
    as Microsoft sends them. Every failure is an ActionError. An operation that does not exist, that is asked through the
    wrong door, or that is given arguments it does not have is a bug of the connector and raises TypeError. Isolation and
    release are refused here: they go through `ContainmentPort`; what else is done to hosts, and indicators, go through
    `responses`.
    """

    @property
    def responses(self) -> ResponsePort:
        """What goes through policy, approval and confirmation."""

    async def read(self, operation: str, /, **arguments: object) -> Json:
        """Read one document, a number, an address, or a list that Microsoft gives as a whole."""

    async def list(
        self,
        operation: str,
        /,
        *,
        limit: int,
        conditions: Sequence[Where | None] = (),
        filter: str = "",  # noqa: A002 - the query option's own name
        **arguments: object,
    ) -> Listing:
        """Read at most `limit` documents of a list; what is listed meets all `conditions` and the OData `filter`."""

    async def write(self, operation: str, /, *, key: str, **arguments: object) -> Json:
        """Change something, at most once for a key: what an earlier call with it did is found and given back.

        Indicators and commands of live response are objects with the properties of `NewIndicator`, or a `type` and those of
        `PutFile`, `RunScript` or `GetFile`. A deletion answers with an object whose `deleted` is false where nothing was
        there.
        """

    def download(self, operation: str, /, **arguments: object) -> AsyncIterator[bytes]:
        """Fetch the file whose address an operation gives, in pieces, for `Context.attach`."""


class ContainmentPort(Protocol):
    """The only way for an action to cut a host off or let it go; policy decides behind it. Failures are ActionErrors.

    `request` and `release` return at once with where things stand; with a key seen before they return the state of
    what that key started. Changes are announced under the topic `containment:ID`.
    """

    async def request(
        self,
        *,
        machine: str,
        isolation_type: str,
        reason: str,
        auto_release: float | None,
        alert_id: str | None,
        key: str,
    ) -> ContainmentState: ...

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        """Let a host go: `target` is a containment's id or a machine's id or exact name.

        Two answers exist here only, both final: state `not_owned`, where no containment of ours holds the host, and
        state `still_held`, where ours let go but another incident keeps the host cut off.
        """

    async def state(self, containment: str) -> ContainmentState: ...

    async def orphans(self, *, older_than: float) -> list[Json]:
        """Give the hosts that have been isolated for longer than so many seconds and that nobody is bound to come back to.

        Each is an object: machine_id, machine_name, account, isolated_by, since, hours, why, ask, incidents (numbers).
        """


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to people: state `open`, `approved`, `rejected`, `expired` or `void`, and what each person said."""

    id: str
    state: str
    detail: str
    expires_at: datetime
    answers: tuple[Json, ...] = ()


class PeoplePort(Protocol):
    """The way to people: questions that they answer by page, command line, API or link. Failures are ActionErrors.

    `ask` returns at once; with a key seen before it returns the question that this key asked, open or over. Changes are
    announced under the topic `approval:ID`.
    """

    async def ask(
        self,
        *,
        of: Sequence[str],
        question: str,
        timeout: float,
        escalate: bool,
        escalate_to: Sequence[str],
        count: int,
        key: str,
    ) -> Asked:
        """Ask people or teams, or everybody where none is named; `timeout` is in seconds.

        `count` different people must say yes. On silence the question is over or, with `escalate`, goes to `escalate_to`
        as well, or to everybody where none is named there, for as long again.
        """

    async def answered(self, approval_id: str, /) -> Asked:
        """Tell where a question stands now; one whose time is over is settled by this."""

    async def tell(self, *, channels: Sequence[str], title: str, text: str, key: str) -> int:
        """Put a message on its way to channels, by name, once for a key; returns to how many. It is delivered later."""


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """A task that a step asked for: its number on an incident, and its state: open, done, cancelled or expired.

    `topic` is what changes when it ends. `form` is what was filled in, by field.
    """

    incident: int
    task: int
    state: str
    topic: str
    due_at: datetime | None
    form: Mapping[str, Json] | None = None
    by: str = ""
    at: str = ""


class IncidentPort(Protocol):
    """The organization's incidents. Failures are ActionErrors.

    `incident` is a number; None means the incident that the run is about: the one that started it, the open one of its alerts, or
    the one that it made. Every change is made once for its key. Answers are the incident as playbooks see it: number, title,
    status, severity, owner, alerts, machines, users, tasks; of `promote` also whether it was `created` and how many `added`.
    """

    async def promote(
        self,
        *,
        alerts: Sequence[str],
        incident: int | None,
        title: str,
        severity: str,
        owner: str,
        join: bool,
        key: str,
    ) -> dict[str, Json]:
        """Promote alerts, by our ids or Defender's, or those of the run where none is named."""

    async def create(self, *, title: str, severity: str, owner: str, text: str, key: str) -> dict[str, Json]:
        """Make an incident that no alert is behind."""

    async def note(self, *, incident: int | None, text: str, key: str) -> dict[str, Json]: ...

    async def task(
        self, *, incident: int | None, title: str, assignee: str, due_in: float | None, key: str
    ) -> dict[str, Json]:
        """Add a task, due in so many seconds; the answer has its number as `task`."""

    async def update(
        self,
        *,
        incident: int | None,
        title: str | None,
        severity: str | None,
        owner: str | None,
        status: str | None,
        key: str,
    ) -> dict[str, Json]: ...

    async def close(
        self, *, incident: int | None, resolution: str, reason: str, hosts: Literal["release", "keep"] | None, key: str
    ) -> dict[str, Json]: ...

    async def get(self, incident: int | None, /) -> dict[str, Json]: ...

    async def ask(
        self,
        *,
        incident: int | None,
        title: str,
        text: str,
        form: Mapping[str, FormField],
        assignee: str,
        due_in: float | None,
        key: str,
    ) -> TaskStanding:
        """Put a task with a form on an incident; with a key seen before it returns the task that this key asked for."""

    async def standing(self, key: str, /) -> TaskStanding:
        """Tell where the task of a key stands now; one whose time is over, or whose incident is resolved, is ended by this."""


class Context(Protocol):
    """Everything that an action sees. There is no database, no settings and no other connector in it."""

    @property
    def run_id(self) -> str: ...
    @property
    def playbook_name(self) -> str: ...
    @property
    def organization(self) -> str: ...
    @property
    def step_key(self) -> str:
        """`run:step:iteration`, the same over attempts and crashes: the idempotency key of every effect."""

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; being resumed is not another attempt."""

    @property
    def resumed(self) -> Json:
        """The `state` of the Wait that ended, or None if the action was not parked."""

    @property
    def trigger(self) -> Mapping[str, Json]:
        """What started the run, e.g. `alert` and the variable `msft.defender.response.json.raw`."""

    @property
    def defender(self) -> DefenderPort: ...
    @property
    def containment(self) -> ContainmentPort: ...
    @property
    def people(self) -> PeoplePort: ...
    @property
    def incidents(self) -> IncidentPort: ...
    @property
    def tables(self) -> TablePort: ...
    @property
    def http(self) -> HttpPort: ...
    @property
    def mails(self) -> MailPort: ...
    @property
    def caller(self) -> CallerPort: ...
    @property
    def alerts(self) -> AlertPort: ...
    def document(self) -> Mapping[str, Json]:
        """The run document: trigger, steps, playbook, run, organization, inputs."""

    async def attach(
        self, name: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream"
    ) -> dict[str, Json]:
        """Keep a file with the run and give a reference to it for the output: attachment, name, size in bytes, sha256.

        Kept at most once for a step and a name: where it is there already, `content` is not asked for. The name is made
        safe. ActionError for a file that is larger than the installation keeps.
        """

    def now(self) -> datetime: ...
    def log(self, level: LogLevel, message: str, **fields: Json) -> None: ...
