"""The rows of containments, for those who ask: ask for one, hold it, let go of it. Nothing here calls Defender.

Every function works inside the caller's transaction. Whoever wants a row looked at sooner sets `next_at` (see `claims`).
Rows are locked in one order: the organization, the containment, the containment that it joined.
"""

from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit.events import Event
from ringfence.containment import events, policies
from ringfence.containment.model import FINAL, Containment, State
from ringfence.containment.target import kind_of
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, containment_holds, containments, organizations

_REASON_LIMIT = 500
_LONGEST = 10 * 365 * 86_400.0
_OVER = tuple(state.value for state in FINAL)
# Built once: building it costs several times what running it does.
_OTHER = accounts.alias()
_SENSOR = (
    sa.select(_OTHER.c.id)
    .join(accounts, accounts.c.organization_id == _OTHER.c.organization_id)
    .where(accounts.c.id == sa.bindparam("of"), _OTHER.c.sensor.is_(True))
)


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


def queue(tx: Transaction, organization_id: str) -> sa.RowMapping:
    """Wait for one's turn in an organization and return its row: who asks and who decides do so one after the other."""
    row = tx.one(sa.select(organizations).where(organizations.c.id == organization_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no organization {organization_id}.")
    return row


def live_on(tx: Transaction, account_id: str, machine_id: str, *, other_than: str | None = None) -> Containment | None:
    """Lock and return the containment of a machine that is not over, if there is one."""
    wanted = containments.c.live_key == live_key_of(account_id, machine_id)
    query = sa.select(containments).where(wanted, containments.c.id != (other_than or "")).with_for_update()
    row = tx.one(query)
    return Containment.of(row) if row else None


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
    forced: bool = False,
    deadline: float = 4 * 3600.0,
) -> Containment:
    """Ask for a host to be contained, once for each `key` however often it is called; `key` then holds the host.

    Where the host, named by its machine id, is held already, the key becomes one more holder of that containment.
    Durations are in seconds.
    """
    queue(tx, organization_id)
    earlier = _by_key(tx, key)
    if earlier is not None:
        if earlier.organization_id != organization_id:
            raise Conflict("This key is in use.", advice="Use a key of your own for each request.")
        return earlier
    target = target.strip()
    if kind_of(target) is None:
        raise Invalid(
            f"{target[:300]!r} is not a machine id, a DNS name or the IP address of one host.",
            advice="Give one of these, whole and exact.",
        )
    if isolation_type not in ("Full", "Selective"):
        raise Invalid(f"There is no isolation type {isolation_type!r}.", advice="Use Full or Selective.")
    reason = storable(reason.strip())[:_REASON_LIMIT]
    if not reason:
        raise Invalid("A containment needs a reason.", advice="Say in a few words why the host is cut off.")
    if auto_release_after is not None and not 0 < auto_release_after <= _LONGEST:
        raise Invalid("The time until the host is let go must be more than 0 s and at most 10 years.")
    if not 0 < deadline <= _LONGEST:
        raise Invalid("The deadline of a containment must be more than 0 s and at most 10 years away.")
    _demand_sensor(tx, organization_id, account_id)
    by_id = kind_of(target) == "machine id"
    held = live_on(tx, account_id, target) if by_id else None
    if held is not None and held.release_requested_at is None:
        stands = policies.standing(tx, organization_id, held.device_group).effective.policy
        longest = stands.hold_for(auto_release_after)
        join(tx, held, holder=key, reason=reason, requested_by=requested_by, auto_release_after=longest)
        return get(tx, held.id)
    now = clock.now()
    containment_id = clock.new_id()
    row = {
        "id": containment_id,
        "organization_id": organization_id,
        "account_id": account_id,
        "request_key": key,
        # While the one before is being let go, this one waits for its end instead of joining it.
        "live_key": live_key_of(account_id, target) if by_id and held is None else None,
        "target": target,
        "machine_id": target.lower() if by_id else None,
        "isolation_type": isolation_type,
        "reason": reason,
        "requested_by": storable(requested_by),
        "run_id": run_id,
        "alert_id": alert_id,
        "state": State.REQUESTED.value,
        "auto_release_after": auto_release_after,
        "forced": forced,
        "deadline_at": now + timedelta(seconds=deadline),
        "requested_at": now,
        "next_at": now,
    }
    tx.execute(sa.insert(containments).values(row))
    made = get(tx, containment_id)
    hold(tx, made, holder=key, reason=reason)
    events.write(tx, made, None, State.REQUESTED, f"Requested by {requested_by}: {reason}", by=requested_by)
    tx.changed(organization_id, "containment", made.id, State.REQUESTED)
    return made


class NotTheSensor(Conflict):
    """The account is not the one through which its organization contains."""

    code = "not_the_sensor"


def _demand_sensor(tx: Transaction, organization_id: str, account_id: str) -> None:
    mine = tx.all(
        sa.select(accounts.c.id, accounts.c.name, accounts.c.sensor).where(
            accounts.c.organization_id == organization_id
        )
    )
    meant = next((row for row in mine if row["id"] == account_id), None)
    if meant is None:
        raise NotFound(f"This organization has no account {account_id}.", advice="Look at the list of accounts.")
    if not meant["sensor"]:
        sensor = next((row["name"] for row in mine if row["sensor"]), None)
        which = f"{sensor!r} does" if sensor is not None else "no account does"
        raise NotTheSensor(
            f"Hosts are not contained through the account {meant['name']!r}: {which} for this organization.",
            advice=f"Contain a host of that account's tenant, or let this one contain: `ringfence account sensor {meant['name']} "
            "--replace`.",
        )


def sensor_id(tx: Transaction, account_id: str) -> str | None:
    """Return the account through which the organization of this account contains."""
    row = tx.one(_SENSOR, {"of": account_id})
    return None if row is None else str(row["id"])


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


def live_key_of(account_id: str, machine_id: str) -> str:
    """Return what two containments that are not over cannot share."""
    return f"{account_id}:{machine_id.lower()}"


def hold(tx: Transaction, containment: Containment, *, holder: str, reason: str) -> None:
    """Note that `holder` wants the host kept contained."""
    tx.insert_new(
        containment_holds,
        [{"containment_id": containment.id, "holder": holder, "reason": reason, "held_at": clock.now()}],
    )


def join(
    tx: Transaction,
    held: Containment,
    *,
    holder: str,
    reason: str,
    requested_by: str,
    auto_release_after: float | None,
) -> None:
    """Let one more holder hold a containment that `live_on` locked; its timer then serves the holder who wants it longest."""
    hold(tx, held, holder=holder, reason=reason)
    if held.auto_release_after is not None:
        values: dict[str, Any] = {"auto_release_after": None, "auto_release_at": None}
        if auto_release_after is not None:
            values = {"auto_release_after": max(held.auto_release_after, auto_release_after)}
            if held.auto_release_at is not None:
                ends = clock.now() + timedelta(seconds=auto_release_after)
                values["auto_release_at"] = max(held.auto_release_at, ends)
        values["warned_at"] = None
        tx.execute(sa.update(containments).where(containments.c.id == held.id).values(values))
    said = f"{requested_by} holds the host too: {reason}"
    events.write(tx, held, held.state, held.state, said, what=Event.CONTAINMENT_HELD, by=requested_by)
    tx.changed(held.organization_id, "containment", held.id, "held")


def shorten(tx: Transaction, containment_id: str, *, ends: datetime) -> Containment:
    """Let a host go by its timer at a moment at the latest; one that ends sooner stays as it is."""
    found = get(tx, containment_id)
    at_most = max((ends - clock.now()).total_seconds(), 1.0)
    values: dict[str, Any] = {}
    if found.auto_release_at is None and (found.auto_release_after is None or found.auto_release_after > at_most):
        values["auto_release_after"] = at_most
    if found.confirmed_at is not None and (found.auto_release_at is None or found.auto_release_at > ends):
        values["auto_release_at"] = ends
    if values:
        tx.execute(sa.update(containments).where(containments.c.id == containment_id).values(**values))
    return get(tx, containment_id)


def _begins_with(prefix: str) -> sa.ColumnElement[bool]:
    # LIKE would ignore letter case on SQLite.
    return sa.func.substr(containment_holds.c.holder, 1, len(prefix)) == prefix


def held_by(tx: Transaction, holder_prefix: str, *, machine_id: str | None = None) -> list[Containment]:
    """Return the containments that are not over and that a holder whose key begins with the prefix still holds."""
    query = (
        sa.select(containments)
        .join(containment_holds, containment_holds.c.containment_id == containments.c.id)
        .where(
            _begins_with(holder_prefix),
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
    # Locked before it is looked at: a request that is joining another containment at this moment must not be missed.
    containment = _locked(tx, containment_id)
    if containment.joined_id is not None:
        containment = _locked(tx, containment.joined_id)
    if containment.final:
        return containment
    now = clock.now()
    holds = containment_holds.c
    letting = sa.update(containment_holds).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
    if holder_prefix is not None:
        letting = letting.where(_begins_with(holder_prefix))
    let = tx.execute(letting.values(let_go_at=now)).rowcount
    left = tx.scalar(
        sa.select(sa.func.count()).where(holds.containment_id == containment.id, holds.let_go_at.is_(None))
    )
    if left:
        if let:
            said = f"{by} let go ({reason}); {left} still hold it."
            state = containment.state
            events.write(tx, containment, state, state, said, what=Event.CONTAINMENT_LET_GO, by=by)
            tx.changed(containment.organization_id, "containment", containment.id, "let_go")
        return containment
    again = containment.release_requested_at is not None
    if again and containment.state != State.RELEASE_FAILED:
        return containment
    asked_at = containment.release_requested_at or now
    asked = sa.update(containments).where(containments.c.id == containment.id)
    tx.execute(asked.values(release_requested_at=asked_at, next_at=now))
    what = "Release asked for again" if again else "Release asked for"
    said = f"{what} by {by}: {reason[:_REASON_LIMIT]}"
    state = containment.state
    events.write(tx, containment, state, state, said, what=Event.CONTAINMENT_RELEASE_REQUESTED, by=by)
    tx.changed(containment.organization_id, "containment", containment.id, "release_requested")
    return get(tx, containment.id)


def _locked(tx: Transaction, containment_id: str) -> Containment:
    get(tx, containment_id)
    row = tx.one(sa.select(containments).where(containments.c.id == containment_id).with_for_update())
    assert row is not None
    return Containment.of(row)
