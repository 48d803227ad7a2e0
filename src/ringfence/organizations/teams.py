"""Teams: names under which several people are asked together. All functions work inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.errors import Invalid, NotFound
from ringfence.storage import Transaction, editions
from ringfence.storage.columns import storable
from ringfence.storage.tables import memberships, teams, users

_LONGEST_NAME = 100
_MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Team:
    """A team and the names of its people, in their order."""

    id: str
    organization_id: str
    name: str
    people: tuple[str, ...]
    changed_at: datetime


def edition(tx: Transaction, organization_id: str, name: str) -> str:
    """Return what changes with a team, and is of its own where there is none of this name; see `editions`."""
    row = tx.one(_named(organization_id, name))
    return editions.edition(_team(row)) if row is not None else editions.NONE


def put(tx: Transaction, organization_id: str, name: str, people: Sequence[str], *, seen: str | None = None) -> Team:
    """Make a team, or replace its people; Invalid for a name or person that cannot be one.

    Outdated if it is not any more as it was `seen` (see `edition`).
    """
    name = storable(name).strip()
    if not 1 <= len(name) <= _LONGEST_NAME or not name.isprintable():
        raise Invalid("A team needs a name of 1 to 100 characters that can be seen.")
    wanted = tuple(dict.fromkeys(storable(each).strip() for each in people))
    if not 1 <= len(wanted) <= _MOST_PEOPLE or not all(wanted):
        raise Invalid("A team has 1 to 200 people.", advice="Name them as they sign in.")
    if name in everybody(tx, organization_id):
        raise Invalid(
            f"A person is called {name!r}.", advice="Give the team another name, so that it is clear who is meant."
        )
    row = {"organization_id": organization_id, "name": name, "people": list(wanted), "changed_at": clock.now()}
    made_now = clock.new_id()
    tx.insert_new(teams, [row | {"id": made_now}])
    # Who makes one of this name at the same moment waits at the insert, and who changes it waits here.
    held = tx.one(_named(organization_id, name).with_for_update())
    before = _team(held) if held is not None and held["id"] != made_now else None
    editions.demand(seen, editions.edition(before) if before is not None else editions.NONE)
    same = sa.update(teams).where(teams.c.organization_id == organization_id, teams.c.name == name)
    tx.execute(same.values(people=list(wanted), changed_at=clock.now()))
    made = by_name(tx, organization_id, name)
    log.write(tx, Event.TEAM_CHANGED, organization_id, made.id, details={"name": name, "people": list(wanted)})
    tx.changed(organization_id, "team", made.id, "changed")
    return made


def every(tx: Transaction, organization_id: str) -> list[Team]:
    """Return an organization's teams in the order of their names."""
    query = sa.select(teams).where(teams.c.organization_id == organization_id).order_by(teams.c.name)
    return [_team(row) for row in tx.all(query)]


def by_name(tx: Transaction, organization_id: str, name: str) -> Team:
    """Return a team by its name; NotFound, with the names that there are, if there is none."""
    row = tx.one(_named(organization_id, name))
    if row is None:
        known = ", ".join(each.name for each in every(tx, organization_id))
        advice = f"There are: {known}." if known else "Make it: `ringfence team set NAME PERSON…`."
        raise NotFound(f"There is no team named {name[:100]!r}.", advice=advice)
    return _team(row)


def remove(tx: Transaction, organization_id: str, name: str) -> Team:
    """Remove a team; questions that it was asked stay with the people that it had."""
    found = by_name(tx, organization_id, name)
    tx.execute(sa.delete(teams).where(teams.c.id == found.id))
    log.write(tx, Event.TEAM_REMOVED, organization_id, found.id, details={"name": found.name})
    tx.changed(organization_id, "team", found.id, "removed")
    return found


def people(tx: Transaction, organization_id: str, names: Sequence[str]) -> tuple[str, ...]:
    """Return the people that names of people and teams stand for; NotFound for a name that is neither's."""
    known = {each.name: each.people for each in every(tx, organization_id)}
    persons = set(everybody(tx, organization_id))
    found: dict[str, None] = {}
    for name in names:
        if name in known:
            found |= dict.fromkeys(known[name])
        elif name in persons:
            found[name] = None
        else:
            raise NotFound(
                f"There is neither a person nor a team named {name[:100]!r}.",
                advice="Make the team: `ringfence team set NAME PERSON…`; a person is known after the first sign-in link.",
            )
    return tuple(found)


def everybody(tx: Transaction, organization_id: str) -> tuple[str, ...]:
    """Return the names of all people of an organization, in their order."""
    works_here = sa.and_(memberships.c.user_id == users.c.id, memberships.c.organization_id == organization_id)
    query = sa.select(users.c.name).join(memberships, works_here).order_by(users.c.name)
    return tuple(row["name"] for row in tx.all(query))


def strangers(tx: Transaction, team: Team) -> tuple[str, ...]:
    """Return the people of a team by whose names nobody signs in here; they can answer by links only."""
    known = set(everybody(tx, team.organization_id))
    return tuple(each for each in team.people if each not in known)


def _named(organization_id: str, name: str) -> sa.Select[Any]:
    return sa.select(teams).where(teams.c.organization_id == organization_id, teams.c.name == storable(name).strip())


def _team(row: sa.RowMapping) -> Team:
    return Team(row["id"], row["organization_id"], row["name"], tuple(row["people"]), row["changed_at"])
