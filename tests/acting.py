"""What an action sees, for tests of actions: a context whose clock, Defender and containment the test owns."""

from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from ringfence.actions import (
    ActionError,
    Asked,
    ContainmentState,
    FormField,
    HttpAnswer,
    Json,
    Listing,
    QueuedAlert,
    ResponseState,
    TaskStanding,
    Where,
)

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@dataclass
class Responder:
    """Stands in for responses: says `now` to every question and keeps what it was asked."""

    now: ResponseState = ResponseState("r1", "pending", accepted=True)  # noqa: RUF009 - it is frozen
    others: tuple[ResponseState, ...] = ()
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

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
        given = {"machine": machine, "parameters": parameters, "undo_after": undo_after}
        kept = {name: value for name, value in given.items() if value}
        self.asked.append((kind, {"reason": reason, "key": key, **kept}))
        return self.now

    async def undo(self, kind: str, *, target: str, reason: str) -> ResponseState:
        self.asked.append((f"undo {kind}", {"target": target, "reason": reason}))
        return self.now

    async def undo_indicators(self, indicators: Sequence[str], *, reason: str) -> Sequence[ResponseState]:
        self.asked.append(("undo indicators", {"indicators": list(indicators)}))
        return [self.now, *self.others]

    async def state(self, response: str) -> ResponseState:
        self.asked.append(("state", {"response": response}))
        return self.now


@dataclass
class Desk:
    """Stands in for Defender: answers with `answers[operation]` and keeps what it was asked."""

    answers: dict[str, Json] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    responses: Responder = field(default_factory=Responder)

    def _answer(self, operation: str, **given: Any) -> Json:
        self.asked.append((operation, given))
        if operation not in self.answers:
            raise ActionError("There is no such thing.", code="not-found", permanent=True)
        return self.answers[operation]

    async def read(self, operation: str, /, **arguments: object) -> Json:
        return self._answer(operation, **arguments)

    async def list(
        self,
        operation: str,
        /,
        *,
        limit: int,
        conditions: Sequence[Where | None] = (),
        filter: str = "",  # noqa: A002
        **arguments: object,
    ) -> Listing:
        wanted = {"conditions": [each for each in conditions if each], "filter": filter}
        given = {"limit": limit} | {name: value for name, value in wanted.items() if value} | arguments
        found = self._answer(operation, **given)
        assert isinstance(found, list)
        return Listing(found[:limit], cut=len(found) > limit)

    async def write(self, operation: str, /, *, key: str, **arguments: object) -> Json:
        changes = {name: value for name, value in arguments.items() if value is not None}
        return self._answer(operation, key=key, **changes)

    async def download(self, operation: str, /, **arguments: object) -> AsyncIterator[bytes]:
        found = self._answer(operation, **arguments)
        assert isinstance(found, str)
        yield found.encode()


@dataclass
class Cordon:
    """Stands in for containment: says `now` to every question and keeps what it was asked."""

    now: ContainmentState
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    lost: list[Json] = field(default_factory=lambda: [{"machine_name": "wks-001", "hours": 30}])

    async def request(
        self,
        *,
        machine: str,
        isolation_type: str,
        reason: str,
        auto_release: float | None,
        alert_id: str | None,
        key: str,
    ) -> ContainmentState:
        given = {
            "machine": machine,
            "isolation_type": isolation_type,
            "reason": reason,
            "auto_release": auto_release,
            "alert_id": alert_id,
            "key": key,
        }
        self.asked.append(("request", given))
        return self.now

    async def orphans(self, *, older_than: float) -> list[Json]:
        self.asked.append(("orphans", {"older_than": older_than}))
        return list(self.lost)

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        self.asked.append(("release", {"target": target, "reason": reason, "key": key}))
        return self.now

    async def state(self, containment: str) -> ContainmentState:
        self.asked.append(("state", {"containment": containment}))
        return self.now


@dataclass
class Crowd:
    """Stands in for people: says `now` to every question and keeps what it was asked."""

    now: Asked = field(default_factory=lambda: Asked("a1", "open", "", NOON))
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

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
        given = {"of": of, "question": question, "timeout": timeout, "escalate": escalate}
        self.asked.append(("ask", given | {"escalate_to": escalate_to, "count": count, "key": key}))
        return self.now

    async def answered(self, approval_id: str) -> Asked:
        self.asked.append(("answered", {"approval_id": approval_id}))
        return self.now

    async def tell(self, *, channels: Sequence[str], title: str, text: str, key: str) -> int:
        self.asked.append(("tell", {"channels": channels, "title": title, "text": text, "key": key}))
        return len(channels)


@dataclass
class Casebook:
    """Stands in for incidents: answers every question with `now` and keeps what it was asked."""

    now: dict[str, Json] = field(default_factory=lambda: {"number": 12, "created": True})
    stands: TaskStanding = TaskStanding(12, 1, "open", "incident:1", NOON + timedelta(hours=4))  # noqa: RUF009 - frozen
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def _answer(self, what: str, **given: Any) -> dict[str, Json]:
        self.asked.append((what, given))
        return dict(self.now)

    async def create(self, *, title: str, severity: str, owner: str, text: str, key: str) -> dict[str, Json]:
        return self._answer("create", title=title, severity=severity, owner=owner, text=text, key=key)

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
        given = {"alerts": list(alerts), "incident": incident, "title": title, "severity": severity, "owner": owner}
        return self._answer("promote", **given, join=join, key=key)

    async def note(self, *, incident: int | None, text: str, key: str) -> dict[str, Json]:
        return self._answer("note", incident=incident, text=text, key=key)

    async def task(
        self, *, incident: int | None, title: str, assignee: str, due_in: float | None, key: str
    ) -> dict[str, Json]:
        return self._answer("task", incident=incident, title=title, assignee=assignee, due_in=due_in, key=key)

    async def update(
        self,
        *,
        incident: int | None,
        title: str | None,
        severity: str | None,
        owner: str | None,
        status: str | None,
        key: str,
    ) -> dict[str, Json]:
        given = {"title": title, "severity": severity, "owner": owner, "status": status}
        return self._answer("update", incident=incident, **given, key=key)

    async def close(
        self, *, incident: int | None, resolution: str, reason: str, hosts: Literal["release", "keep"] | None, key: str
    ) -> dict[str, Json]:
        return self._answer("close", incident=incident, resolution=resolution, reason=reason, hosts=hosts, key=key)

    async def get(self, incident: int | None, /) -> dict[str, Json]:
        return self._answer("get", incident=incident)

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
        given = {"incident": incident, "title": title, "text": text, "form": dict(form), "assignee": assignee}
        self._answer("ask", **given, due_in=due_in, key=key)
        return self.stands

    async def standing(self, key: str, /) -> TaskStanding:
        self._answer("standing", key=key)
        return self.stands


@dataclass
class Shelf:
    """Stands in for tables: finds what is in `entries` and keeps what it was asked."""

    entries: dict[str, dict[str, Json]] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    async def look_up(self, table: str, values: Sequence[str], /) -> list[dict[str, Json] | None]:
        self.asked.append(("look up", {"table": table, "values": list(values)}))
        return [self.entries.get(each) for each in values]

    async def put(
        self,
        table: str,
        values: Sequence[str],
        /,
        *,
        note: str,
        data: Mapping[str, str],
        expires_at: datetime | None,
        key: str,
    ) -> int:
        given = {"table": table, "values": list(values), "note": note, "data": dict(data), "expires_at": expires_at}
        self.asked.append(("put", given | {"key": key}))
        return len([each for each in values if each not in self.entries])

    async def take_out(self, table: str, values: Sequence[str], /) -> int:
        self.asked.append(("take out", {"table": table, "values": list(values)}))
        return len([each for each in values if each in self.entries])


@dataclass
class Wire:
    """Stands in for services outside: gives `answer` and keeps what it was asked."""

    answer: HttpAnswer = HttpAnswer(200, {}, b"", "https://api.contoso.com/")  # noqa: RUF009 - it is frozen
    asked: list[dict[str, Any]] = field(default_factory=list)

    async def request(
        self,
        method: str,
        address: str,
        /,
        *,
        account: str | None,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,
        largest: int,
        redirects: int,
        harmless: bool,
        key: str,
    ) -> HttpAnswer:
        given: dict[str, Any] = {"method": method, "address": address, "account": account, "query": dict(query)}
        given["body"] = body
        given |= {"headers": dict(headers), "timeout": timeout, "redirects": redirects, "harmless": harmless}
        self.asked.append(given | {"key": key})
        return self.answer


@dataclass
class Postbox:
    """Stands in for mails and for who waits at a webhook: keeps what was sent."""

    sent: list[dict[str, Any]] = field(default_factory=list)
    waiting: bool = True

    async def send(self, *, by: str, to: Sequence[str], subject: str, text: str, key: str) -> int:
        self.sent.append({"by": by, "to": list(to), "subject": subject, "text": text, "key": key})
        return len(to)

    async def answer(self, *, status: int, content_type: str, body: str, key: str) -> bool:
        self.sent.append({"status": status, "content_type": content_type, "body": body, "key": key})
        return self.waiting


@dataclass
class Queue:
    """Stands in for the queue of alerts: finds `alert`, and keeps what it was asked."""

    alert: QueuedAlert = QueuedAlert("q1", "da1", "contoso", True, True, {"id": "da1"})  # noqa: RUF009 - it is frozen
    asked: list[str | None] = field(default_factory=list)

    async def find(self, alert: str | None, /) -> QueuedAlert:
        self.asked.append(alert)
        return self.alert


@dataclass
class Scene:
    """The context of one call of an action."""

    run: dict[str, Json] = field(default_factory=dict)
    defender: Desk = field(default_factory=Desk)
    containment: Cordon = field(default_factory=lambda: Cordon(ContainmentState("c1", "pending", "m1", "ws-1")))
    people: Crowd = field(default_factory=Crowd)
    incidents: Casebook = field(default_factory=Casebook)
    tables: Shelf = field(default_factory=Shelf)
    http: Wire = field(default_factory=Wire)
    mails: Postbox = field(default_factory=Postbox)
    caller: Postbox = field(default_factory=Postbox)
    alerts: Queue = field(default_factory=Queue)
    resumed: Json = None
    time: datetime = NOON
    attempt: int = 1
    run_id: str = "run1"
    playbook_name: str = "Example"
    organization: str = "contoso"
    step_key: str = "run1:one:0"
    said: list[tuple[str, str, dict[str, Json]]] = field(default_factory=list)
    kept: dict[str, tuple[str, bytes]] = field(default_factory=dict)

    @property
    def trigger(self) -> Mapping[str, Json]:
        found = self.run.get("trigger")
        return found if isinstance(found, dict) else {}

    def document(self) -> Mapping[str, Json]:
        return self.run

    async def attach(
        self, name: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream"
    ) -> dict[str, Json]:
        whole = content if isinstance(content, bytes) else b"".join([piece async for piece in content])
        self.kept.setdefault(name, (media_type, whole))
        return {"attachment": f"file-{name}", "name": name, "size": len(self.kept[name][1]), "sha256": "00"}

    def now(self) -> datetime:
        return self.time

    def log(self, level: str, message: str, **fields: Json) -> None:
        self.said.append((level, message, fields))
