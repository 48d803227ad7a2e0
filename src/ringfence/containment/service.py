"""The rows of containments: ask for one, hold it, let go of it, move it. Nothing here calls Defender; the driver does.

Every function works inside the caller's transaction. A move checks the fence number that the driver's claim raised, so that
a driver that lost its lease cannot write over the one that took over.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment.model import FINAL, Containment, State, demand_legal
from ringfence.containment.target import kind_of
from ringfence.errors import Invalid, LeaseLost, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import containment_events, containment_holds, containments

_REASON_LIMIT = 500
_OVER = tuple(FINAL)


def get(tx: Transaction, containment_id: str, *, organization_id: str | None = None) -> Containment:
    """Return one containment; raise NotFound where there is none, or where it is another organization's."""
    row = tx.one(sa.select(containments).where(containments.c.id == containment_id))
    if row is None or (organization_id is not None and row["organization_id"] != organization_id):
        raise NotFound(f"There is no containment {containment_id}.", advice="List them: `ringfence containment list`.")
    return Containment.of(row)


def current(tx: Transaction, containment_id: str) -> Containment:
    """Return the containment that holds the machine: this one, or the one it joined."""
    found = get(tx, containment_id)
    return get(tx, found.joined_id) if found.joined_id else found


def request(
    tx: Transaction,
    *,
    organization_id: str,
    account_id: str,
    target: str,
    reason: str,
    requested_by: str,
    key: str,
    isolation_type: str = "Full",
    run_id: str | None = None,
    alert_id: str | None = None,
    auto_release_after: float | None = None,
    deadline: float = 4 * 3600.0,
) -> Containment:
    """Ask for a host to be contained, once for each `key` however often it is called; `key` then holds the host.

    Where the host, named by its machine id, is held already, the key becomes one more holder of that containment.
    Durations are in seconds.
    """
    earlier = _by_key(tx, key)
    if earlier is not None:
        return earlier
    target = target.strip()
    if kind_of(target) is None:
        raise Invalid(
            f"{target!r} is not a machine id, a DNS name or an IP address.",
            advice="Give one of these, whole and exact.",
        )
    if isolation_type not in ("Full", "Selective"):
        raise Invalid(f"There is no isolation type {isolation_type!r}.", advice="Use Full or Selective.")
    reason = storable(reason.strip())[:_REASON_LIMIT]
    if not reason:
        raise Invalid("A containment needs a reason.", advice="Say in a few words why the host is cut off.")
    now = clock.now()
    by_id = kind_of(target) == "machine id"
    live_key = _live_key(account_id, target) if by_id else None
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "account_id": account_id,
        "request_key": key,
        "live_key": live_key,
        "target": target,
        "machine_id": target.lower() if by_id else None,
        "isolation_type": isolation_type,
        "reason": reason,
        "requested_by": requested_by,
        "run_id": run_id,
        "alert_id": alert_id,
        "state": State.REQUESTED.value,
        "auto_release_after": auto_release_after,
        "deadline_at": now + timedelta(seconds=deadline),
        "requested_at": now,
        "next_at": now,
    }
    # One statement decides who is first, on both databases: either this row is in, or a live one was there.
    tx.insert_new(containments, [row])
    mine = tx.one(sa.select(containments).where(containments.c.request_key == key))
    if mine is None:
        live = tx.one(sa.select(containments).where(containments.c.live_key == live_key).with_for_update())
        if live is not None and live["release_requested_at"] is None:
            held = Containment.of(live)
            hold(tx, held, holder=key, reason=reason)
            _event(tx, held, held.state, held.state, f"{requested_by} holds the host too: {reason}")
            tx.changed(organization_id, "containment", held.id, "held")
            return held
        # The one before is being let go: this one waits for its end instead of joining it.
        tx.insert_new(containments, [row | {"live_key": None}])
        mine = tx.one(sa.select(containments).where(containments.c.request_key == key))
        assert mine is not None
    made = Containment.of(mine)
    hold(tx, made, holder=key, reason=reason)
    _event(tx, made, None, State.REQUESTED, f"Requested by {requested_by}: {reason}")
    tx.changed(organization_id, "containment", made.id, State.REQUESTED)
    return made


def _by_key(tx: Transaction, key: str) -> Containment | None:
    row = tx.one(sa.select(containments).where(containments.c.request_key == key))
    if row is None:
        row = tx.one(
            sa.select(containments)
            .join(containment_holds, containment_holds.c.containment_id == containments.c.id)
            .where(containment_holds.c.holder == key)
            .order_by(containment_holds.c.held_at.desc())
        )
    return Containment.of(row) if row else None


def _live_key(account_id: str, machine_id: str) -> str:
    return f"{account_id}:{machine_id.lower()}"


def hold(tx: Transaction, containment: Containment, *, holder: str, reason: str) -> None:
    """Note that `holder` wants the host kept contained."""
    tx.insert_new(
        containment_holds,
        [{"containment_id": containment.id, "holder": holder, "reason": reason, "held_at": clock.now()}],
    )


def held_by(tx: Transaction, holder_prefix: str, *, machine_id: str | None = None) -> list[Containment]:
    """Return the containments that are not over and that a holder whose key begins with the prefix still holds."""
    query = (
        sa.select(containments)
        .join(containment_holds, containment_holds.c.containment_id == containments.c.id)
        .where(
            containment_holds.c.holder.startswith(holder_prefix, autoescape=True),
            containment_holds.c.let_go_at.is_(None),
            containments.c.state.not_in(_OVER),
        )
        .distinct()
    )
    if machine_id is not None:
        query = query.where(containments.c.machine_id == machine_id.lower())
    return [Containment.of(row) for row in tx.all(query)]


def let_go(
    tx: Transaction, containment_id: str, *, by: str, reason: str, holder_prefix: str | None = None
) -> Containment:
    """Let go of a host: the holds that begin with the prefix, or all. Without holders left, its release is asked for.

    Letting go twice is harmless. What was not submitted yet is cancelled by the same request.
    """
    containment = current(tx, containment_id)
    # Whoever holds the host too at this moment, and whoever lets go, take turns.
    tx.one(sa.select(containments.c.id).where(containments.c.id == containment.id).with_for_update())
    if containment.final:
        return containment
    now = clock.now()
    holds = containment_holds.c
    letting = sa.update(containment_holds).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
    if holder_prefix is not None:
        letting = letting.where(holds.holder.startswith(holder_prefix, autoescape=True))
    let = tx.execute(letting.values(let_go_at=now)).rowcount
    left = tx.scalar(
        sa.select(sa.func.count()).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
    )
    if left:
        if let:
            _event(
                tx, containment, containment.state, containment.state, f"{by} let go ({reason}); {left} still hold it."
            )
            tx.changed(containment.organization_id, "containment", containment.id, "let_go")
        return containment
    if containment.release_requested_at is None:
        tx.execute(
            sa.update(containments)
            .where(containments.c.id == containment.id, containments.c.release_requested_at.is_(None))
            .values(release_requested_at=now, next_at=now)
        )
        _event(
            tx,
            containment,
            containment.state,
            containment.state,
            f"Release asked for by {by}: {storable(reason)[:_REASON_LIMIT]}",
        )
        tx.changed(containment.organization_id, "containment", containment.id, "release_requested")
    return get(tx, containment.id)


def claim_due(tx: Transaction, *, owner: str, lease: float, limit: int = 50) -> list[Containment]:
    """Take the containments whose time has come and that nobody drives; `lease` in seconds."""
    now = clock.now()
    until = now + timedelta(seconds=lease)
    free = sa.or_(containments.c.lease_until.is_(None), containments.c.lease_until <= now)
    due = tx.all(
        sa.select(containments.c.id)
        .where(containments.c.next_at <= now, free)
        .order_by(containments.c.next_at)
        .limit(limit)
    )
    taken: list[Containment] = []
    for row in due:
        claimed = tx.execute(
            sa.update(containments)
            .where(containments.c.id == row["id"], containments.c.next_at <= now, free)
            .values(lease_owner=owner, lease_until=until, next_at=until, fence=containments.c.fence + 1)
        ).rowcount
        if claimed:
            taken.append(get(tx, row["id"]))
    return taken


def free_leases(tx: Transaction, owner: str) -> int:
    """Give back what a dead driver held."""
    return tx.execute(
        sa.update(containments)
        .where(containments.c.lease_owner == owner)
        .values(lease_owner=None, lease_until=None, next_at=clock.now())
    ).rowcount


def next_due(tx: Transaction) -> datetime | None:
    """Return when the next containment is to be looked at."""
    found = tx.one(
        sa.select(containments.c.next_at)
        .where(containments.c.next_at.is_not(None))
        .order_by(containments.c.next_at)
        .limit(1)
    )
    return found["next_at"] if found else None


def move(
    tx: Transaction,
    containment: Containment,
    after: State,
    detail: str,
    *,
    facts: Mapping[str, Any] | None = None,
    **columns: Any,
) -> Containment:
    """Move a claimed containment to another state, with its event; raise LeaseLost if another driver has it now."""
    demand_legal(containment.state, after)
    if after in FINAL:
        columns |= {"live_key": None, "next_at": None, "finished_at": clock.now()}
    detail = storable(detail)
    changed = tx.execute(
        sa.update(containments)
        .where(
            containments.c.id == containment.id,
            containments.c.fence == containment.fence,
            containments.c.state == containment.state.value,
        )
        .values(state=after.value, detail=detail, **columns)
    ).rowcount
    if not changed:
        raise LeaseLost(f"Containment {containment.id} is driven by another worker now.")
    _event(tx, containment, containment.state, after, detail, facts)
    tx.changed(containment.organization_id, "containment", containment.id, after)
    return get(tx, containment.id)


def note(tx: Transaction, containment: Containment, **columns: Any) -> Containment:
    """Write facts about a claimed containment that are no move; raise LeaseLost if another driver has it now."""
    changed = tx.execute(
        sa.update(containments)
        .where(containments.c.id == containment.id, containments.c.fence == containment.fence)
        .values(**columns)
    ).rowcount
    if not changed:
        raise LeaseLost(f"Containment {containment.id} is driven by another worker now.")
    return get(tx, containment.id)


def rest(tx: Transaction, containment: Containment, *, until: datetime | None, detail: str | None = None) -> None:
    """Give a claimed containment back, to be looked at again at `until`, or sooner if somebody asked meanwhile."""
    asked_meanwhile = sa.and_(containments.c.next_at.is_not(None), containments.c.next_at != containments.c.lease_until)
    values: dict[str, Any] = {
        "lease_owner": None,
        "lease_until": None,
        "next_at": sa.case(
            (asked_meanwhile, containments.c.next_at), else_=sa.literal(until, containments.c.next_at.type)
        ),
    }
    if detail is not None:
        values["detail"] = storable(detail)
    changed = tx.execute(
        sa.update(containments)
        .where(containments.c.id == containment.id, containments.c.fence == containment.fence)
        .values(**values)
    ).rowcount
    if changed and detail is not None and detail != containment.detail:
        tx.changed(containment.organization_id, "containment", containment.id, "detail")


def _event(
    tx: Transaction,
    containment: Containment,
    before: State | None,
    after: State,
    detail: str,
    facts: Mapping[str, Any] | None = None,
) -> None:
    tx.execute(
        sa.insert(containment_events).values(
            containment_id=containment.id,
            at=clock.now(),
            before=before.value if before else None,
            after=after.value,
            detail=storable(detail),
            facts=dict(facts) if facts else None,
        )
    )
