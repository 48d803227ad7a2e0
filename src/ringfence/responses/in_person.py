"""What a person asks for, by page, command line or API: the account found by its name, the kind by its own."""

from collections.abc import Mapping
from typing import Any

from ringfence import clock
from ringfence.accounts import records
from ringfence.errors import Invalid
from ringfence.responses import service
from ringfence.responses.kinds import Kind
from ringfence.responses.model import Response
from ringfence.storage import Transaction


def kind_named(name: str) -> Kind:
    """Return the kind of that name; Invalid, with all names, where there is none."""
    try:
        return Kind(name)
    except ValueError:
        known = ", ".join(kind.value for kind in Kind)
        raise Invalid(f"There is no response {name[:60]!r}.", advice=f"Choose one of: {known}.") from None


def request(
    tx: Transaction,
    *,
    organization_id: str,
    kind: str,
    reason: str,
    by: str,
    target: str = "",
    parameters: Mapping[str, Any] | None = None,
    account: str | None = None,
    undo_after: float | None = None,
    deadline: float = 4 * 3600.0,
) -> Response:
    """Ask, for a person, for something to be done; `account` is a name, None where there is only one."""
    if account is None:
        known = records.every(tx, organization_id)
        if len(known) != 1:
            names = ", ".join(each.name for each in known)
            raise Invalid(
                "There are several accounts, so it is not clear which is meant."
                if known
                else "No account is connected.",
                advice=f"Name one of: {names}." if known else "Connect one: `ringfence account add`.",
            )
        found = known[0]
    else:
        found = records.by_name(tx, organization_id, account)
    return service.request(
        tx,
        organization_id=organization_id,
        account_id=found.id,
        kind=kind_named(kind),
        target=target,
        parameters=parameters,
        reason=reason,
        requested_by=by,
        key=f"person:{clock.new_id()}",
        undo_after=undo_after,
        deadline=deadline,
    )


def undo(tx: Transaction, organization_id: str, response_id: str, *, by: str, reason: str) -> Response:
    """Take back, for a person, what is done or under way, whoever asked for it; Invalid without a reason."""
    service.get(tx, response_id, organization_id=organization_id)
    if not reason.strip():
        raise Invalid("Taking something back needs a reason.", advice="Say in a few words why.")
    return service.undo(tx, response_id, by=by, reason=reason.strip(), everybody=True)
