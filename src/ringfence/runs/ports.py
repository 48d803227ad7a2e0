"""What an action of a run may reach: Defender through the run's account, and hosts through containment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import sqlalchemy as sa

from ringfence.actions import ActionError, ContainmentState, Json
from ringfence.containment import service as containment
from ringfence.containment.driver import ClientSource
from ringfence.containment.model import Containment, State
from ringfence.containment.target import kind_of
from ringfence.defender import DefenderClient, DefenderError, ReplyLost, odata
from ringfence.errors import NotFound, RingfenceError, Unavailable
from ringfence.runs.model import Run
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_holds, containments

_NO_ACCOUNT = "This run has no account to reach Defender with."


class Defender:
    """The Defender port of one run: documents as Defender sends them, failures as ActionErrors."""

    def __init__(self, run: Run, clients: ClientSource) -> None:
        self._account_id = run.account_id
        self._clients = clients

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[DefenderClient]:
        if self._account_id is None:
            raise ActionError(_NO_ACCOUNT, code="no-account", permanent=True, advice="Name an account in the trigger.")
        try:
            yield await self._clients.get(self._account_id)
        except RingfenceError as error:
            raise _failure(error) from None
        except DefenderError as error:
            await self._clients.report(self._account_id, error)
            raise ActionError(
                error.message or error.code, code=error.code, permanent=error.permanent, advice=error.advice
            ) from None

    async def get_machine(self, machine: str) -> Json:
        """Read one machine."""
        async with self._client() as client:
            return (await client.get_machine(machine)).raw

    async def get_alert(self, alert: str) -> Json:
        """Read one alert."""
        async with self._client() as client:
            return (await client.get_alert(alert)).raw

    async def find_machines_by_ip(self, ip: str, *, at: datetime) -> Json:
        """List the machines that used an address."""
        async with self._client() as client:
            return [machine.raw for machine in await client.find_machines_by_ip(ip, at)]

    async def get_machine_logon_users(self, machine: str) -> Json:
        """List who logged on to a machine."""
        async with self._client() as client:
            return [user.raw for user in await client.get_machine_logon_users(machine)]

    async def list_machine_actions(self, machine: str) -> Json:
        """List what was done to a machine, the latest first."""
        async with self._client() as client:
            listed = client.list_machine_actions(
                filter=odata.eq("machineId", machine), order_by="creationDateTimeUtc desc", limit=100
            )
            return [action.raw async for action in listed]

    async def update_alert(
        self,
        alert: str,
        *,
        status: str | None,
        assigned_to: str | None,
        classification: str | None,
        determination: str | None,
        comment: str | None,
        key: str,
    ) -> Json:
        """Change an alert; a comment carries the key, is looked for before it is written, and so is written once."""
        mark = f"[Ringfence {key}]"
        async with self._client() as client:
            if comment is not None:
                before = await client.get_alert(alert)
                if any(mark in (each.comment or "") for each in before.comments):
                    return before.raw
            try:
                changed = await client.update_alert(
                    alert,
                    status=status,
                    assigned_to=assigned_to,
                    classification=classification,
                    determination=determination,
                    comment=f"{comment} {mark}" if comment is not None else None,
                )
            except ReplyLost as lost:
                # Only a change with a comment gets here; any other is made again by the client, which changes nothing.
                after = await client.get_alert(alert)
                if any(mark in (each.comment or "") for each in after.comments):
                    return after.raw
                raise ActionError(
                    "Defender's reply was lost and the change is not there.", code="reply-lost", permanent=False
                ) from lost
            return changed.raw


class Containments:
    """The containment port of one run; every hold that it makes begins with the run's id."""

    def __init__(self, run: Run, database: Database, *, deadline: float) -> None:
        self._run = run
        self._database = database
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
        """Ask for a host to be contained; the alert is the one of the run, whatever the playbook wrote."""
        run = self._run
        if run.account_id is None:
            raise ActionError(_NO_ACCOUNT, code="no-account", permanent=True, advice="Name an account in the trigger.")
        account_id = run.account_id
        why = reason if alert_id is None or alert_id in reason else f"{reason} (alert {alert_id})"
        try:
            made = await self._database.run(
                lambda tx: containment.request(
                    tx,
                    organization_id=run.organization_id,
                    account_id=account_id,
                    target=machine,
                    reason=why,
                    requested_by=f"playbook {run.playbook_name} {run.version}",
                    key=key,
                    isolation_type=isolation_type,
                    run_id=run.id,
                    alert_id=run.alert_id,
                    auto_release_after=auto_release,
                    deadline=self._deadline,
                )
            )
        except RingfenceError as error:
            raise _failure(error) from None
        return state_of(made)

    async def state(self, containment_id: str) -> ContainmentState:
        """Tell where a containment stands, or the one that it joined."""
        organization_id = self._run.organization_id

        def work(tx: Transaction) -> Containment:
            containment.get(tx, containment_id, organization_id=organization_id)
            return containment.current(tx, containment_id)

        try:
            return state_of(await self._database.read(work))
        except RingfenceError as error:
            raise _failure(error) from None

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        """Let go of what this run holds."""
        holder = f"{self._run.id}:"
        reason = storable(reason)
        by = f"playbook {self._run.playbook_name} {self._run.version}"
        try:
            return await self._database.run(lambda tx: _release(tx, self._run, target, reason, holder, by))
        except RingfenceError as error:
            raise _failure(error) from None


def _failure(error: RingfenceError) -> ActionError:
    permanent = not isinstance(error, Unavailable)
    return ActionError(error.message, code=error.code, permanent=permanent, advice=error.advice)


def _release(tx: Transaction, run: Run, target: str, reason: str, holder: str, by: str) -> ContainmentState:
    found = _held(tx, run, target, holder)
    if found is None:
        machine = target if kind_of(target) == "machine id" else ""
        return ContainmentState(target, "not_owned", machine, target, final=True, detail="This run holds no such host.")
    after = containment.let_go(tx, found.id, by=by, reason=reason, holder_prefix=holder)
    state = state_of(after)
    if after.release_requested_at is None and not after.final:
        return ContainmentState(
            after.id,
            "still_held",
            state.machine_id,
            state.machine_name,
            final=True,
            contained=state.contained,
            detail="Another incident keeps the host cut off.",
        )
    return state


def _held(tx: Transaction, run: Run, target: str, holder: str) -> Containment | None:
    """Find what the run holds; or what it held and let go of, so that asking again after a crash gives the same answer."""
    try:
        named = containment.get(tx, storable(target), organization_id=run.organization_id)
    except NotFound:
        pass
    else:
        current = containment.current(tx, named.id)
        mine = current.run_id == run.id or any(each.id == current.id for each in containment.held_by(tx, holder))
        return current if mine else None
    for each in (*containment.held_by(tx, holder), *_let_go_by(tx, holder)):
        if target.casefold() in ((each.machine_id or "").casefold(), (each.machine_name or "").casefold()):
            return each
    return None


def _let_go_by(tx: Transaction, holder: str) -> list[Containment]:
    query = (
        sa.select(containments)
        .join(containment_holds, containment_holds.c.containment_id == containments.c.id)
        .where(
            sa.func.substr(containment_holds.c.holder, 1, len(holder)) == holder,
            containment_holds.c.let_go_at.is_not(None),
        )
        .order_by(containment_holds.c.let_go_at.desc())
    )
    return [Containment.of(row) for row in tx.all(query)]


def state_of(found: Containment) -> ContainmentState:
    """Say it as actions see it."""
    reasons = tuple((found.verdict or {}).get("reasons", ()))
    return ContainmentState(
        id=found.id,
        state=found.state.value,
        machine_id=found.machine_id or "",
        machine_name=found.machine_name or found.target,
        reasons=reasons or ((found.detail,) if found.detail else ()),
        final=found.final,
        contained=found.state == State.CONTAINED,
        detail=found.detail,
    )
