"""How an action of a run reaches hosts: through containment, in the name of its run."""

from datetime import timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.actions import ContainmentState, Json
from ringfence.containment import service as containment
from ringfence.containment.model import Containment, State
from ringfence.containment.orphans import orphans
from ringfence.containment.target import kind_of
from ringfence.errors import NotFound, RingfenceError
from ringfence.runs.door import failure, no_account
from ringfence.runs.model import Run
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_holds, containments
from ringfence.storage.turns import URGENT, patience


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
            raise no_account()
        account_id = run.account_id
        why = reason if alert_id is None or alert_id in reason else f"{reason} (alert {alert_id})"
        try:
            with patience(URGENT):
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
            raise failure(error) from None
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
            raise failure(error) from None

    async def orphans(self, *, older_than: float) -> list[Json]:
        """Give the organization's isolated hosts that nobody is bound to come back to."""
        organization_id = self._run.organization_id
        return await self._database.read(lambda tx: orphaned(tx, organization_id, older_than))

    async def release(self, *, target: str, reason: str, key: str) -> ContainmentState:
        """Let go of what this run holds."""
        holders = tuple(f"{run_id}:" for run_id in (self._run.id, *self._run.continues))
        reason = storable(reason)
        by = f"playbook {self._run.playbook_name} {self._run.version}"
        try:
            with patience(URGENT):
                return await self._database.run(lambda tx: _release(tx, self._run, target, reason, holders, by))
        except RingfenceError as error:
            raise failure(error) from None


def _release(
    tx: Transaction, run: Run, target: str, reason: str, holders: tuple[str, ...], by: str
) -> ContainmentState:
    found, holder = next(
        ((held, each) for each in holders if (held := _held(tx, run, target, each)) is not None), (None, "")
    )
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
        mine = current.run_id == holder.removesuffix(":") or any(
            each.id == current.id for each in containment.held_by(tx, holder)
        )
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


def orphaned(tx: Transaction, organization_id: str, older_than: float) -> list[Json]:
    """Return the hosts that nobody is bound to come back to, as actions see them, the longest isolated first."""
    now = clock.now()
    return [
        {
            "machine_id": each.isolation.machine_id,
            "machine_name": each.isolation.name,
            "account": each.isolation.account_name,
            "isolated_by": each.isolation.owner,
            "since": clock.iso(each.since),
            "hours": int((now - each.since).total_seconds() // 3600),
            "why": each.why,
            "ask": each.ask,
            "incidents": list(each.incidents),
        }
        for each in orphans(tx, organization_id, older_than=timedelta(seconds=older_than))
    ]


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
