"""Who may publish what in an organization, and whether a second person is asked. Works inside the caller's transaction.

Where nothing is said, everybody may publish, alone, what their role lets them do: who may not contain hosts publishes nothing
that does, also where a component does it. Rules only take from that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Forbidden, NotFound, Outdated
from ringfence.organizations import rights, teams
from ringfence.playbooks.installation import Publisher
from ringfence.playbooks.model import Effect
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import organizations, publishing_rules

_MOST: Final = 200
_PERMISSIONS: Final = {"publish": Permission.PLAYBOOK_PUBLISH, "contain": Permission.CONTAINMENT_CONTAIN}


class Rules(BaseModel):
    """The rules of publishing; names are those of people and teams, and no names mean everybody."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    publish: tuple[str, ...] = Field(
        (), max_length=_MOST, description="Who may publish playbooks, and change these rules."
    )
    write: tuple[str, ...] = Field((), max_length=_MOST, description="Who may publish steps that change records.")
    contain: tuple[str, ...] = Field((), max_length=_MOST, description="Who may publish steps that contain hosts.")
    second_person: bool = Field(False, description="Whether another person must say yes before a version counts.")
    approvers: tuple[str, ...] = Field((), max_length=_MOST, description="Who may be that person.")
    prove: Literal["off", "warn", "demand"] = Field(
        "warn",
        description="Whether versions that cut hosts off must show in the simulator that they let them go: after they were "
        "published (warn), or before (demand).",
    )


@dataclass(frozen=True, slots=True)
class Standing:
    """The rules that count; version 0 where nobody has said anything."""

    rules: Rules
    version: int
    changed_at: datetime | None = None
    changed_by: str = ""


def standing(tx: Transaction, organization_id: str) -> Standing:
    """Return the rules of an organization."""
    row = tx.one(sa.select(publishing_rules).where(publishing_rules.c.organization_id == organization_id))
    if row is None:
        return Standing(Rules(), 0)
    return Standing(Rules.model_validate(row["document"]), row["version"], row["changed_at"], row["changed_by"])


def put(tx: Transaction, organization_id: str, rules: Rules, by: str, *, expected: int | None = None) -> Standing:
    """Replace the rules; Outdated where they are no longer at the version `expected`, NotFound for an unknown name.

    Forbidden for who may not publish now, and where afterwards nobody could: nobody is locked out.
    """
    tx.one(sa.select(organizations.c.id).where(organizations.c.id == organization_id).with_for_update(key_share=True))
    before = standing(tx, organization_id)
    if expected is not None and expected != before.version:
        raise Outdated(
            f"The rules of publishing are at version {before.version}, not {expected}: {before.changed_by} changed them.",
            advice="Look at them again, then make your change.",
        )
    demand(tx, organization_id, by)
    for names in (rules.publish, rules.write, rules.contain, rules.approvers):
        teams.people(tx, organization_id, names)
    if rules == before.rules:
        return before
    if rules.publish and storable(by) not in teams.people(tx, organization_id, rules.publish):
        raise Forbidden(
            "With these rules you could not change them back.",
            advice=f"Name {by} or a team of theirs under `publish` too.",
        )
    row: dict[str, Any] = {"organization_id": organization_id, "document": rules.model_dump(mode="json")}
    row |= {"version": before.version + 1, "changed_at": clock.now(), "changed_by": storable(by)}
    if before.version:
        tx.execute(sa.update(publishing_rules).where(publishing_rules.c.organization_id == organization_id).values(row))
    else:
        tx.execute(sa.insert(publishing_rules), [row])
    tx.changed(organization_id, "playbook", organization_id, "rules_changed")
    said = {"version": row["version"], "before": before.rules.model_dump(mode="json"), "rules": row["document"]}
    log.write(tx, Event.PLAYBOOK_RULES_CHANGED, organization_id, organization_id, details=said, actor=by)
    return standing(tx, organization_id)


def publisher(tx: Transaction, organization_id: str, name: str) -> Publisher:
    """Return what a person may publish: what their role lets them do, and of that what the rules leave them."""
    rules = standing(tx, organization_id).rules
    named: Mapping[str, tuple[str, ...]] = {"publish": rules.publish, "write": rules.write, "contain": rules.contain}
    holders = {right: _people(tx, organization_id, names) for right, names in named.items() if names}
    free = {right for right in named if right not in holders}
    held = free | {right for right, people in holders.items() if storable(name) in people}
    permissions = rights.held(tx, organization_id, name)
    for right, permission in _PERMISSIONS.items():
        if permission not in permissions:
            held.discard(right)
            able = rights.holders(tx, organization_id, permission)
            holders[right] = tuple(each for each in holders.get(right, able) if each in able)
    may = frozenset(effect for effect in Effect if effect.value in held or effect.value not in named)
    return Publisher(name, "publish" in held, may, holders)


def demand(tx: Transaction, organization_id: str, name: str) -> None:
    """Raise Forbidden unless a person may publish."""
    found = publisher(tx, organization_id, name)
    if not found.may_publish:
        holders = ", ".join(found.holders.get("publish", ()))
        raise Forbidden(
            f"{name[:100]} may not publish playbooks.", advice=f"Ask one of: {holders or 'nobody has this right'}."
        )


def _people(tx: Transaction, organization_id: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for name in names:
        try:
            found |= dict.fromkeys(teams.people(tx, organization_id, (name,)))
        except NotFound:
            # A team that was removed stands for nobody, not for everybody.
            continue
    return tuple(found)
