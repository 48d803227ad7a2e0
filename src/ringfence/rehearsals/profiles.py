"""Inputs that people keep to try a playbook with: a copy of a stored alert, or any document that stands for a trigger.

They are kept by the name of the playbook, so that its file, its draft and its versions are tried with the same. Functions of the
caller's transaction, within one organization.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.alerts import queue
from ringfence.errors import Invalid, NotFound
from ringfence.playbooks.bounded import plain
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import run_profiles

MOST: Final = 200
_LONGEST_NAME: Final = 100
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Profile:
    """One input: `document` is the trigger as the steps see it, `origin` where it was taken from, `account` whose it is."""

    id: str
    playbook: str
    name: str
    document: dict[str, Any]
    account: str | None
    origin: str
    saved_at: datetime
    saved_by: str


def edition(tx: Transaction, organization_id: str, playbook: str, name: str) -> str:
    """Return what changes with a profile, and is of its own where there is none of this name; see `editions`."""
    return _edition(_find(tx, organization_id, playbook, name))


def save(
    tx: Transaction,
    organization_id: str,
    playbook: str,
    name: str,
    *,
    by: str,
    alert: str | None = None,
    document: Mapping[str, Any] | None = None,
    account: str | None = None,
    seen: str | None = None,
) -> Profile:
    """Keep an input under a name, in the place of the one that has it; Invalid or NotFound where what is given does not fit.

    Of a stored alert (our id or Defender's) a copy is kept, which outlives the alert. Outdated if what has the name is not any
    more as it was `seen` (see `edition`).
    """
    if (alert is None) == (document is None):
        raise Invalid("A profile is a stored alert or a document.", advice="Give one of the two.")
    wanted = storable(name.strip())
    if not 1 <= len(wanted) <= _LONGEST_NAME or not wanted.isprintable():
        raise Invalid(
            "This cannot be a profile's name.", advice=f"Use 1 to {_LONGEST_NAME} characters that can be seen."
        )
    origin = ""
    if alert is not None:
        found = queue.get(tx, organization_id, alert)
        document = {"alert": queue.read_version(tx, organization_id, found).document}
        account, origin = found.account, f"alert {found.alert_id}"
    kept = _fitting(document or {})
    before = _find(tx, organization_id, playbook, wanted, locked=True)
    editions.demand(seen, _edition(before))
    mine = (run_profiles.c.organization_id == organization_id, run_profiles.c.playbook == storable(playbook))
    if before is None and tx.scalar(sa.select(sa.func.count()).select_from(run_profiles).where(*mine)) >= MOST:
        raise Invalid(f"The playbook has {MOST} profiles.", advice="Remove one that is not needed any more.")
    row = {
        "id": before.id if before is not None else clock.new_id(),
        "organization_id": organization_id,
        "playbook": storable(playbook),
        "name": wanted,
        "document": kept,
        "account": storable(account) if account else None,
        "origin": storable(origin),
        "saved_at": clock.now(),
        "saved_by": storable(by),
    }
    if before is not None:
        tx.execute(sa.update(run_profiles).where(run_profiles.c.id == before.id).values(row))
        return get(tx, organization_id, playbook, wanted)
    tx.insert_new(run_profiles, [row])
    made = get(tx, organization_id, playbook, wanted)
    if made.id != row["id"]:
        # Somebody else kept one of this name at the same moment.
        editions.demand(editions.NONE, _edition(made))
    return made


def every(tx: Transaction, organization_id: str, playbook: str | None = None) -> list[Profile]:
    """Return an organization's profiles, or those of one playbook, by playbook and name."""
    query = _query(organization_id).order_by(run_profiles.c.playbook, run_profiles.c.name)
    if playbook is not None:
        query = query.where(run_profiles.c.playbook == storable(playbook))
    return [Profile(**row) for row in tx.all(query)]


def get(tx: Transaction, organization_id: str, playbook: str, name: str) -> Profile:
    """Return a profile of a playbook by its name; NotFound, with the names that there are, if there is none."""
    found = _find(tx, organization_id, playbook, name)
    if found is not None:
        return found
    names = [each.name for each in every(tx, organization_id, playbook)]
    near = get_close_matches(name, names, 1)
    advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none yet'}."
    raise NotFound(f"The playbook {playbook[:100]!r} has no profile {name[:100]!r}.", advice=advice)


def remove(tx: Transaction, organization_id: str, playbook: str, name: str) -> None:
    """Forget a profile; NotFound if there is none."""
    found = get(tx, organization_id, playbook, name)
    tx.execute(sa.delete(run_profiles).where(run_profiles.c.id == found.id))


def _query(organization_id: str) -> sa.Select[Any]:
    columns = [run_profiles.c[name] for name in Profile.__dataclass_fields__]
    return sa.select(*columns).where(run_profiles.c.organization_id == organization_id)


def _edition(profile: Profile | None) -> str:
    return editions.edition(profile) if profile is not None else editions.NONE


def _find(tx: Transaction, organization_id: str, playbook: str, name: str, *, locked: bool = False) -> Profile | None:
    wanted = (run_profiles.c.playbook == storable(playbook), run_profiles.c.name == storable(name.strip()))
    query = _query(organization_id).where(*wanted)
    row = tx.one(query.with_for_update() if locked else query)
    return None if row is None else Profile(**row)


def _fitting(document: Mapping[str, Any]) -> dict[str, Any]:
    try:
        kept = plain(dict(document))
    except ValueError as error:
        raise Invalid(
            f"The document cannot be kept. {error}", advice="Leave out what the playbook does not need."
        ) from None
    text = json.dumps(kept)
    if len(text) > _LARGEST:
        raise Invalid(
            f"The document has {len(text)} characters.",
            advice=f"{_LARGEST} are the most; leave out what is not needed.",
        )
    assert isinstance(kept, dict)
    return kept
