"""The rows of policy: each change of a layer is a version, none is ever changed, and the newest counts.

A scope says whose layer is meant: the provider's (for every organization of this installation), an organization's, or a
device group's in it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment.layers import Effective, Layer, check, effective
from ringfence.errors import Conflict, Invalid, NotFound
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, policies

_LONGEST_NOTE = 500
_LONGEST_GROUP = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose layer of policy it is: nobody's in particular is the provider's."""

    organization_id: str | None = None
    device_group: str | None = None

    @property
    def key(self) -> str:
        """What tells scopes apart; device groups are compared without regard to case, as Defender does."""
        if self.organization_id is None:
            return "provider"
        if self.device_group is None:
            return f"organization:{self.organization_id}"
        return f"group:{self.organization_id}:{self.device_group.casefold()}"


PROVIDER = Scope()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one layer; version 0 is the empty one that was there before anybody wrote."""

    scope: Scope
    version: int
    document: Mapping[str, Any]
    note: str
    made_by: str
    made_at: datetime | None


@dataclass(frozen=True, slots=True)
class Standing:
    """The policy that counts for a host, line by line, and the versions of the layers that it was made of."""

    effective: Effective
    version: str


def newest(tx: Transaction, scope: Scope) -> Version:
    """Return what a layer says now."""
    query = sa.select(policies).where(policies.c.scope_key == scope.key).order_by(policies.c.version.desc()).limit(1)
    row = tx.one(query)
    return Version(scope, 0, {}, "", "", None) if row is None else _version(scope, row)


def history(tx: Transaction, scope: Scope) -> list[Version]:
    """Return every version of a layer, the newest first."""
    query = sa.select(policies).where(policies.c.scope_key == scope.key).order_by(policies.c.version.desc())
    return [_version(scope, row) for row in tx.all(query)]


def version(tx: Transaction, scope: Scope, number: int) -> Version:
    """Return one version of a layer; NotFound if there is none."""
    row = tx.one(sa.select(policies).where(policies.c.scope_key == scope.key, policies.c.version == number))
    if row is None:
        raise NotFound(
            f"This policy has no version {number}.", advice="Look at its history: `ringfence policy history`."
        )
    return _version(scope, row)


def groups(tx: Transaction, organization_id: str) -> list[str]:
    """Name the device groups of an organization that have a policy of their own."""
    named = (policies.c.organization_id == organization_id, policies.c.device_group.is_not(None))
    rows = tx.all(sa.select(policies.c.device_group).where(*named).distinct().order_by(policies.c.device_group))
    return [row["device_group"] for row in rows]


def write(
    tx: Transaction, scope: Scope, document: Mapping[str, Any], *, expected_version: int, by: str, note: str = ""
) -> Version:
    """Make the next version of a layer; Invalid, with each problem, or Conflict if somebody wrote meanwhile."""
    check(document)
    group = scope.device_group
    if group is not None and not 0 < len(group.strip()) <= _LONGEST_GROUP:
        raise Invalid("A device group needs its name as Defender shows it.")
    if scope.organization_id is not None:
        # Who decides about a host waits for its turn on the same row: a policy counts from its commit on.
        query = sa.select(organizations.c.id).where(organizations.c.id == scope.organization_id)
        if tx.one(query.with_for_update()) is None:
            raise NotFound("There is no such organization.")
    before = newest(tx, scope)
    conflict = Conflict(
        f"The policy is at version {before.version}, not {expected_version}: somebody has changed it.",
        advice="Look at what changed, then make your change to the newest version.",
    )
    if before.version != expected_version:
        raise conflict
    row = {
        "id": clock.new_id(),
        "scope_key": scope.key,
        "version": before.version + 1,
        "organization_id": scope.organization_id,
        "device_group": group,
        "document": dict(document),
        "note": storable(note.strip())[:_LONGEST_NOTE],
        "made_by": storable(by),
        "made_at": clock.now(),
    }
    tx.insert_new(policies, [row])
    after = tx.one(sa.select(policies).where(policies.c.id == row["id"]))
    if after is None:
        raise conflict
    told = [scope.organization_id] if scope.organization_id is not None else _every_organization(tx)
    for organization_id in told:
        tx.changed(organization_id, "policy", scope.key, "changed")
    return _version(scope, after)


def standing(tx: Transaction, organization_id: str, device_group: str | None = None) -> Standing:
    """Return the policy that counts for an organization's hosts, or for those of one device group."""
    own = Scope(organization_id)
    layers = [newest(tx, PROVIDER), newest(tx, own)]
    names = ["provider", "organization"]
    if device_group is not None:
        layers.append(newest(tx, Scope(organization_id, device_group)))
        names.append(f"device group {device_group}")
    used = [(name, layer) for name, layer in zip(names, layers, strict=True) if layer.version]
    made = effective([Layer(name, layer.document) for name, layer in used])
    return Standing(made, " · ".join(f"{name} {layer.version}" for name, layer in used) or "default")


def _every_organization(tx: Transaction) -> list[str]:
    return [row["id"] for row in tx.all(sa.select(organizations.c.id))]


def _version(scope: Scope, row: sa.RowMapping) -> Version:
    return Version(scope, row["version"], row["document"], row["note"], row["made_by"], row["made_at"])
