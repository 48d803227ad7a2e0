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
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment.layers import Effective, Layer, check, effective
from ringfence.errors import Forbidden, Invalid, NotFound, Outdated
from ringfence.organizations.model import State as OrganizationState
from ringfence.security.rbac import Permission, asking
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, policies

_SWITCHED_ON = "Kill switch on: "
_SWITCHED_OFF = "Kill switch off: "
_LONGEST_NOTE = 500
_LONGEST_GROUP = 200
# A containment asks for these a dozen times; building them costs more than running them.
_NEWEST = (
    sa.select(policies).where(policies.c.scope_key == sa.bindparam("of")).order_by(policies.c.version.desc()).limit(1)
)
_STATE = sa.select(organizations.c.state).where(organizations.c.id == sa.bindparam("of"))


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

    @property
    def name(self) -> str:
        """Say whose layer it is, as it is written where one is named: `provider`, `organization`, `group:Plant`."""
        if self.organization_id is None:
            return "provider"
        return "organization" if self.device_group is None else f"group:{self.device_group}"


PROVIDER = Scope()


def scope(name: str, organization_id: str) -> Scope:
    """Return the layer that a name means in an organization; Invalid if it means none."""
    if name == "provider":
        return PROVIDER
    if name == "organization":
        return Scope(organization_id)
    kind, _, group = name.partition(":")
    if kind == "group" and 0 < len(group.strip()) <= _LONGEST_GROUP:
        return Scope(organization_id, group.strip())
    raise Invalid(
        f"There is no layer of policy {name[:60]!r}.",
        advice="Name one of: provider, organization, group:NAME with a device group's name as Defender shows it.",
    )


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


def speaks_for_all() -> bool:
    """Whether who asks may change the provider's layer, which is the installation's."""
    actor = asking()
    return actor is None or actor.may(Permission.SYSTEM_MANAGE)


def demand_own(scope: Scope) -> None:
    """Raise Forbidden if who asks may not change a layer."""
    if scope.organization_id is None and not speaks_for_all():
        raise Forbidden(
            "This layer of policy is the provider's, for every organization.",
            advice="Ask a System Administrator, or change the layer of your organization.",
        )


def newest(tx: Transaction, scope: Scope) -> Version:
    """Return what a layer says now."""
    row = tx.one(_NEWEST, {"of": scope.key})
    return Version(scope, 0, {}, "", "", None) if row is None else _version(scope, row)


def history(tx: Transaction, scope: Scope) -> list[Version]:
    """Return every version of a layer, the newest first."""
    query = sa.select(policies).where(policies.c.scope_key == scope.key).order_by(policies.c.version.desc())
    return [_version(scope, row) for row in tx.all(query)]


def version(tx: Transaction, scope: Scope, number: int) -> Version:
    """Return one version of a layer, 0 for the empty one before all; NotFound if there is none."""
    if number == 0:
        return Version(scope, 0, {}, "", "", None)
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
    tx: Transaction,
    scope: Scope,
    document: Mapping[str, Any],
    *,
    expected_version: int,
    by: str,
    note: str = "",
    switch: bool = False,
) -> Version:
    """Make the next version of a layer; Invalid, with each problem, or Outdated if somebody wrote meanwhile."""
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
    conflict = Outdated(
        f"The policy is at version {before.version}, not {expected_version}: somebody has changed it.",
        advice="Look at what changed, then make your change to the newest version.",
    )
    if before.version != expected_version:
        raise conflict
    if before.document.get("frozen") and "frozen" not in document and not switch:
        raise Invalid(
            "The kill switch is on, and this change would turn it off without saying so.",
            advice="Say it: `frozen: true` keeps it on. To turn it off, use `ringfence policy unfreeze` or the page.",
            problems=("frozen: it is on and not mentioned",),
        )
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
        log.write(tx, _event(before.document, document), organization_id, scope.key, details=_said(row), actor=by)
    return _version(scope, after)


def freeze(tx: Transaction, scope: Scope, *, on: bool, by: str, reason: str) -> Version:
    """Turn the kill switch of a layer on or off, as a version of its policy; the newest is returned if it is so already."""
    if not reason.strip():
        raise Invalid("The kill switch needs a reason.", advice="Say in a few words why.")
    before = newest(tx, scope)
    if bool(before.document.get("frozen")) == on:
        return before
    document = {name: value for name, value in before.document.items() if name != "frozen"}
    if on:
        document["frozen"] = True
    note = f"{_SWITCHED_ON if on else _SWITCHED_OFF}{reason.strip()}"
    return write(tx, scope, document, expected_version=before.version, by=by, note=note, switch=True)


@dataclass(frozen=True, slots=True)
class Stop:
    """That the kill switch of a layer is on: whose, who turned it on, when and why."""

    scope: Scope
    by: str
    at: datetime
    note: str

    @property
    def why(self) -> str:
        """What the person said."""
        return self.note.removeprefix(_SWITCHED_ON)


def stops(tx: Transaction, organization_id: str) -> tuple[Stop, ...]:
    """Return the kill switches that are on for an organization, its device groups included."""
    scopes = [PROVIDER, Scope(organization_id)]
    scopes += [Scope(organization_id, each) for each in groups(tx, organization_id)]
    found: list[Stop] = []
    for each in scopes:
        if not newest(tx, each).document.get("frozen"):
            continue
        since = None
        for kept in history(tx, each):
            if not kept.document.get("frozen"):
                break
            since = kept
        if since is not None and since.made_at is not None:
            found.append(Stop(each, since.made_by, since.made_at, since.note))
    return tuple(found)


def standing(tx: Transaction, organization_id: str, device_group: str | None = None) -> Standing:
    """Return the policy that counts for an organization's hosts, or for those of one device group."""
    own = Scope(organization_id)
    layers = [newest(tx, PROVIDER), newest(tx, own)]
    names = ["provider", "organization"]
    if device_group is not None:
        layers.append(newest(tx, Scope(organization_id, device_group)))
        names.append(f"device group {device_group}")
    used = [(name, layer) for name, layer in zip(names, layers, strict=True) if layer.version]
    counted = [Layer(name, layer.document) for name, layer in used]
    row = tx.one(_STATE, {"of": organization_id})
    state = None if row is None else row["state"]
    if state not in (None, OrganizationState.ACTIVE):
        counted.append(Layer(f"the organization, which is {state}", {"frozen": True}))
    made = effective(counted)
    return Standing(made, " · ".join(f"{name} {layer.version}" for name, layer in used) or "default")


def _every_organization(tx: Transaction) -> list[str]:
    return [row["id"] for row in tx.all(sa.select(organizations.c.id))]


def _version(scope: Scope, row: sa.RowMapping) -> Version:
    return Version(scope, row["version"], row["document"], row["note"], row["made_by"], row["made_at"])


def _event(before: Mapping[str, Any], after: Mapping[str, Any]) -> Event:
    was, is_ = bool(before.get("frozen")), bool(after.get("frozen"))
    if was == is_:
        return Event.POLICY_CHANGED
    return Event.POLICY_FROZEN if is_ else Event.POLICY_UNFROZEN


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("version", "device_group", "note", "document")}
