"""One action by hand: the same doors that a run gives its steps, in a person's name and without a run's rows."""

from collections.abc import AsyncIterable, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ringfence import clock
from ringfence.actions import (
    AlertPort,
    CallerPort,
    ContainmentPort,
    ContainmentState,
    DefenderPort,
    HttpPort,
    IncidentPort,
    Json,
    MailPort,
    PeoplePort,
    TablePort,
)
from ringfence.actions.base import LogLevel
from ringfence.containment import board
from ringfence.containment import service as containment
from ringfence.containment.driver import ClientSource
from ringfence.containment.model import Containment
from ringfence.errors import RingfenceError
from ringfence.organizations.model import Organization
from ringfence.runs.alerts import Alerts
from ringfence.runs.answering import Caller
from ringfence.runs.door import Defender, failure, no_account
from ringfence.runs.http import Http
from ringfence.runs.incidents import Incidents
from ringfence.runs.mailing import Mails
from ringfence.runs.model import Run
from ringfence.runs.outside import Outside
from ringfence.runs.people import Nobody
from ringfence.runs.ports import orphaned, state_of
from ringfence.runs.responding import Responses
from ringfence.runs.tables import Tables
from ringfence.storage import Database, Transaction

Keep = Callable[[str, bytes | AsyncIterable[bytes]], Awaitable[dict[str, Json]]]
Tell = Callable[[LogLevel, str], None]


@dataclass(frozen=True, slots=True)
class GoingOn:
    """What an action that waits has asked for: `kind` is `containment`, `response`, or `id` for what Defender does."""

    kind: str
    id: str


def going_on(state: Json) -> GoingOn | None:
    """Return what goes on where an action waits with this state; None if it has asked for nothing."""
    match state:
        case {"response": str(key)} | {"responses": [str(key), *_]}:
            return GoingOn("response", key)
        case {"containment": str(key)}:
            return GoingOn("containment", key)
        case {"id": str(key)}:
            return GoingOn("id", key)
        case _:
            return None


class ContainmentsByHand:
    """The containment port of a person: what is asked for is recorded in their name, and a worker carries it out."""

    def __init__(
        self, database: Database, organization_id: str, account_id: str | None, *, by: str, deadline: float
    ) -> None:
        self._database = database
        self._organization_id = organization_id
        self._account_id = account_id
        self._by = by
        self._deadline = deadline

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
        """Ask for a host to be contained; policy decides as for everybody."""
        if self._account_id is None:
            raise no_account()
        account_id = self._account_id
        why = reason if alert_id is None or alert_id in reason else f"{reason} (alert {alert_id})"

        def work(tx: Transaction) -> Containment:
            return containment.request(
                tx,
                organization_id=self._organization_id,
                account_id=account_id,
                target=machine,
                reason=why,
                requested_by=self._by,
                key=f"person:{key}",
                isolation_type=isolation_type,
                auto_release_after=auto_release,
                deadline=self._deadline,
            )

        return await self._state(work, writes=True)

    async def orphans(self, *, older_than: float) -> list[Json]:
        """Give the organization's isolated hosts that nobody is bound to come back to."""
        return await self._database.read(lambda tx: orphaned(tx, self._organization_id, older_than))

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        """Let a host go, whoever holds it: `target` is a containment's id, or a machine's id or whole name."""

        def work(tx: Transaction) -> Containment | None:
            held = board.listing(tx, self._organization_id, live=True, limit=board.MOST).rows
            wanted = target.casefold()
            for row in held:
                if wanted in (row.id, (row.machine_id or "").casefold(), row.name.casefold()):
                    return containment.let_go(tx, row.id, by=self._by, reason=reason)
            return None

        try:
            found = await self._database.run(work)
        except RingfenceError as error:
            raise failure(error) from None
        if found is None:
            return ContainmentState(target, "not_owned", "", target, final=True, detail="Ringfence holds no such host.")
        return state_of(found)

    async def state(self, containment_id: str) -> ContainmentState:
        """Tell where a containment stands, or the one that it joined."""

        def work(tx: Transaction) -> Containment:
            containment.get(tx, containment_id, organization_id=self._organization_id)
            return containment.current(tx, containment_id)

        return await self._state(work, writes=False)

    async def _state(self, work: Callable[[Transaction], Containment], *, writes: bool) -> ContainmentState:
        try:
            return state_of(await (self._database.run(work) if writes else self._database.read(work)))
        except RingfenceError as error:
            raise failure(error) from None


@dataclass
class ByHand:
    """What an action that a person runs sees; see `ringfence.actions.Context`."""

    organization: str
    organization_name: str
    defender: DefenderPort
    containment: ContainmentPort
    incidents: IncidentPort
    tables: TablePort
    http: HttpPort
    mails: MailPort
    caller: CallerPort
    alerts: AlertPort
    keep: Keep
    tell: Tell
    people: PeoplePort = field(default_factory=Nobody)
    run_id: str = field(default_factory=clock.new_id)
    resumed: Json = None
    attempt: int = 1
    playbook_name: str = "by hand"

    @property
    def step_key(self) -> str:
        """The key of every effect of this call, as long as it is followed."""
        return f"{self.run_id}:by_hand:0"

    @property
    def trigger(self) -> Mapping[str, Json]:
        """Nothing but a person."""
        return {}

    def document(self) -> Mapping[str, Json]:
        """What expressions see: nothing ran before."""
        return {
            "trigger": {},
            "steps": {},
            "playbook": {"name": self.playbook_name, "version": ""},
            "run": {"id": self.run_id, "requested_at": clock.iso(self.now())},
            "organization": {"id": self.organization, "name": self.organization_name},
            "inputs": {},
        }

    def now(self) -> datetime:
        """The present time."""
        return clock.now()

    def log(self, level: LogLevel, message: str, **fields: Json) -> None:
        """Tell the person."""
        self.tell(level, message)

    async def attach(
        self, name: str, content: bytes | AsyncIterable[bytes], *, media_type: str = "application/octet-stream"
    ) -> dict[str, Json]:
        """Give the person a file."""
        return await self.keep(name, content)


def context(
    database: Database,
    clients: ClientSource,
    organization: Organization,
    account_id: str | None,
    *,
    by: str,
    deadline: float,
    keep: Keep,
    tell: Tell,
    outside: Outside | None = None,
) -> ByHand:
    """Make what an action sees that a person runs against an account; `deadline` is in seconds."""
    nobody = Run(
        id="",
        organization_id=organization.id,
        organization_name=organization.name,
        playbook_id="",
        playbook_name="by hand",
        playbook_version_id="",
        version="",
        source="",
        account_id=account_id,
        alert_id=None,
        trigger={},
        alert=None,
        fence=0,
        nudges=0,
        segment=0,
        requested_at=clock.now(),
        resumed=False,
    )
    return ByHand(
        organization=organization.id,
        organization_name=organization.name,
        defender=Defender(
            nobody,
            clients,
            database,
            responses=Responses(database, organization.id, account_id, by, deadline),
        ),
        containment=ContainmentsByHand(database, organization.id, account_id, by=by, deadline=deadline),
        incidents=Incidents(database, organization.id, by),
        tables=Tables(database, organization.id, by),
        http=Http(database, outside, organization.id, None),
        mails=Mails(database, outside, organization.id, None),
        caller=Caller(database, organization.id, {}),
        alerts=Alerts(database, organization.id, account_id),
        keep=keep,
        tell=tell,
    )
