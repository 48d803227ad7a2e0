"""The rows of responses, for those who ask: ask for one, take it back. Nothing here calls Defender; the driver does.

Every function works inside the caller's transaction. Rows are locked in one order: the organization, the response, the one
that it joined.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit.events import Event
from ringfence.containment.target import kind_of
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.responses import asked, events
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.responses.model import IN_EFFECT, Response, State
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import accounts, organizations, responses

_REASON_LIMIT = 500
_LONGEST = 10 * 365 * 86_400.0


class NoUndo(Conflict):
    """What was done cannot be taken back."""

    code = "no_undo"


def get(tx: Transaction, response_id: str, *, organization_id: str | None = None) -> Response:
    """Return one response; raise NotFound where there is none, or where it is another organization's."""
    row = tx.one(sa.select(responses).where(responses.c.id == response_id))
    if row is None or (organization_id is not None and row["organization_id"] != organization_id):
        raise NotFound(f"There is no response {response_id[:60]!r}.", advice="List them: `ringfence response list`.")
    return Response.of(row)


def find(tx: Transaction, response_id: str) -> Response | None:
    """Return one response by its id, None where there is none."""
    row = tx.one(sa.select(responses).where(responses.c.id == response_id))
    return None if row is None else Response.of(row)


def current(tx: Transaction, response_id: str) -> Response:
    """Return the response that counts: this one, or the one that it joined."""
    found = get(tx, response_id)
    return get(tx, found.joined_id) if found.joined_id else found


def queue(tx: Transaction, organization_id: str) -> None:
    """Wait for one's turn in an organization: who asks and who decides do so one after the other."""
    query = sa.select(organizations.c.id).where(organizations.c.id == organization_id)
    if tx.one(query.with_for_update()) is None:
        raise NotFound("There is no such organization.")


def request(
    tx: Transaction,
    *,
    organization_id: str,
    account_id: str,
    kind: Kind,
    reason: str,
    requested_by: str,
    key: str,
    target: str = "",
    parameters: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    alert_id: str | None = None,
    undo_after: float | None = None,
    deadline: float = 4 * 3600.0,
) -> Response:
    """Ask for something to be done, once for each `key` however often it is called. Durations are in seconds.

    `target` is a host as for containment, empty for indicators; Invalid for what cannot be meant.
    """
    queue(tx, organization_id)
    earlier = tx.one(sa.select(responses).where(responses.c.request_key == key))
    if earlier is not None:
        if earlier["organization_id"] != organization_id:
            raise Conflict("This key is in use.", advice="Use a key of your own for each request.")
        return Response.of(earlier)
    target = target.strip()
    if kind is Kind.INDICATORS and target:
        raise Invalid("An indicator is for the tenant and names no host.", advice="Leave the host out.")
    if kind is not Kind.INDICATORS and kind_of(target) is None:
        raise Invalid(
            f"{target[:300]!r} is not a machine id, a DNS name or the IP address of one host.",
            advice="Give one of these, whole and exact.",
        )
    known = asked.read(kind, parameters or {})
    reason = storable(reason.strip())[:_REASON_LIMIT]
    if not reason:
        raise Invalid("A response needs a reason.", advice="Say in a few words why it is done.")
    if undo_after is not None and (kind is not Kind.RESTRICT or not 0 < undo_after <= _LONGEST):
        raise Invalid("Only a restriction can have a timer, of more than 0 s and at most 10 years.")
    if not 0 < deadline <= _LONGEST:
        raise Invalid("The deadline of a response must be more than 0 s and at most 10 years away.")
    owner = tx.scalar(sa.select(accounts.c.organization_id).where(accounts.c.id == account_id))
    if owner != organization_id:
        raise NotFound("This organization has no such account.", advice="Look at the list of accounts.")
    now = clock.now()
    row = {
        "id": clock.new_id(),
        "organization_id": organization_id,
        "account_id": account_id,
        "request_key": key,
        "kind": kind.value,
        "target": target,
        "machine_id": target.lower() if kind_of(target) == "machine id" else None,
        "parameters": known,
        "weight": len(known.get("indicators", ())) or 1,
        "reason": reason,
        "requested_by": storable(requested_by),
        "run_id": run_id,
        "alert_id": alert_id,
        "state": State.REQUESTED.value,
        "undo_after": undo_after,
        "deadline_at": now + timedelta(seconds=deadline),
        "requested_at": now,
        "next_at": now,
    }
    tx.execute(sa.insert(responses).values(row))
    made = get(tx, str(row["id"]))
    detail = f"Requested by {requested_by}: {reason}"
    events.write(tx, made, None, State.REQUESTED, detail, by=requested_by)
    tx.changed(organization_id, "response", made.id, State.REQUESTED)
    return made


def live_on(tx: Transaction, live_key: str, *, other_than: str) -> Response | None:
    """Lock and return what is done, or being done, already under the same key, if anything is."""
    row = tx.one(
        sa.select(responses).where(responses.c.live_key == live_key, responses.c.id != other_than).with_for_update()
    )
    return Response.of(row) if row else None


def live_key_of(response: Response, machine_id: str) -> str:
    """Return what two responses that are not over cannot share."""
    file = f":{response.parameters['sha1']}" if response.kind is Kind.QUARANTINE else ""
    return f"{response.account_id}:{machine_id.lower()}:{response.kind.value}{file}"


def locked(tx: Transaction, response_id: str) -> Response:
    """Lock a response and return it as it is now."""
    row = tx.one(sa.select(responses).where(responses.c.id == response_id).with_for_update())
    if row is None:
        raise NotFound(f"There is no response {response_id[:60]!r}.", advice="List them: `ringfence response list`.")
    return Response.of(row)


def undo(tx: Transaction, response_id: str, *, by: str, reason: str, everybody: bool) -> Response:
    """Take a response back: what was not sent is cancelled, what goes on is cancelled in Defender, what is done is undone.

    Returns the response that counts. Where others want it too, it stays, unless `everybody` is to let go. NoUndo where it is
    done and cannot be undone. Asking twice is harmless, and tries again what failed.
    """
    named = locked(tx, response_id)
    response = locked(tx, named.joined_id) if named.joined_id else named
    if response.state is State.DONE and not TRAITS[response.kind].undoable:
        raise NoUndo(f"This is done. {TRAITS[response.kind].undo}", advice="Look at its page for what can be done.")
    if response.over:
        return response
    now = clock.now()
    holds = sa.or_(responses.c.id == response.id, responses.c.joined_id == response.id)
    letting = sa.update(responses).where(holds, responses.c.let_go_at.is_(None))
    if not everybody:
        letting = letting.where(responses.c.id == named.id)
    let = tx.execute(letting.values(let_go_at=now)).rowcount
    count = sa.select(sa.func.count()).select_from(responses)
    left = tx.scalar(count.where(holds, responses.c.let_go_at.is_(None)))
    if left:
        if let:
            detail = f"{by} let go ({reason}); {left} still want it."
            what = Event.RESPONSE_LET_GO
            events.write(tx, response, response.state, response.state, detail, what=what, by=by)
            tx.changed(response.organization_id, "response", response.id, "let_go")
        return get(tx, response.id)
    again = response.undo_requested_at is not None
    if again and response.state is not State.UNDO_FAILED:
        return response
    values: dict[str, Any] = {"undo_requested_at": response.undo_requested_at or now, "next_at": now}
    after = State.UNDOING if response.state is State.UNDO_FAILED else response.state
    if after is not response.state:
        # Whoever drives it at this moment finds that it moved, and leaves it to the next.
        values |= {"state": after.value, "lease_owner": None, "lease_until": None}
    tx.execute(sa.update(responses).where(responses.c.id == response.id).values(values))
    verb = "Undoing" if response.state in IN_EFFECT else "Cancelling"
    detail = f"{verb} asked for{' again' if again else ''} by {by}: {storable(reason)[:_REASON_LIMIT]}"
    what = Event.RESPONSE_UNDO_REQUESTED
    events.write(tx, response, response.state, after, detail, what=what, by=by)
    tx.changed(response.organization_id, "response", response.id, "undo_requested")
    return get(tx, response.id)


def join(tx: Transaction, live: Response, other: Response) -> None:
    """Let one more want what `live_on` locked; its timer then serves whoever wants it longest."""
    if live.undo_after is not None:
        values: dict[str, Any] = {"undo_after": None, "ends_at": None}
        if other.undo_after is not None:
            values = {"undo_after": max(live.undo_after, other.undo_after)}
            if live.ends_at is not None:
                values["ends_at"] = max(live.ends_at, clock.now() + timedelta(seconds=other.undo_after))
        tx.execute(sa.update(responses).where(responses.c.id == live.id).values(values))
    detail, by = f"{other.requested_by} wants it too: {other.reason}", other.requested_by
    events.write(tx, live, live.state, live.state, detail, what=Event.RESPONSE_JOINED, by=by)
    tx.changed(live.organization_id, "response", live.id, "joined")


def in_effect(
    tx: Transaction, organization_id: str, kind: Kind, machine: str, *, run_id: str | None = None
) -> Response | None:
    """Return what of a kind is wanted on a machine, by its id or whole name, and not over; of one run if that is named.

    What the run joined is returned as the run's own row.
    """
    wanted = machine.strip().casefold()
    query = sa.select(responses).where(
        responses.c.organization_id == organization_id,
        responses.c.kind == kind.value,
        sa.func.lower(responses.c.machine_id) == wanted,
    )
    named = sa.select(responses).where(
        responses.c.organization_id == organization_id,
        responses.c.kind == kind.value,
        sa.func.lower(responses.c.machine_name) == wanted,
    )
    newest = responses.c.requested_at.desc()
    rows = [*tx.all(query.order_by(newest)), *tx.all(named.order_by(newest))]
    for found in map(Response.of, rows):
        if run_id is not None and found.run_id != run_id:
            continue
        if not (current(tx, found.id) if found.joined_id else found).over:
            return found
    return None


def made_with(tx: Transaction, organization_id: str, indicator_ids: list[str]) -> list[Response]:
    """Return the responses in effect that made any of these indicators."""
    rows = tx.all(
        sa.select(responses).where(
            responses.c.organization_id == organization_id,
            responses.c.kind == Kind.INDICATORS.value,
            responses.c.finished_at.is_(None),
        )
    )
    wanted = set(indicator_ids)
    return [found for found in map(Response.of, rows) if wanted & set(made_ids(found))]


def made_ids(response: Response) -> list[str]:
    """Return the ids of the indicators that a response made."""
    return (
        [str(each["id"]) for each in response.made or () if each.get("id")] if response.kind is Kind.INDICATORS else []
    )
