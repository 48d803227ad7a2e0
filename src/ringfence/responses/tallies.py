"""Count what was decided of the same kind, for the limits of policy, and say when so few are left that they open."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from ringfence import clock
from ringfence.containment import brakes, gathering
from ringfence.containment.policy import Policy
from ringfence.containment.verdict import Brake, brake_key
from ringfence.responses.judging import Tally, limits
from ringfence.responses.kinds import TRAITS
from ringfence.responses.model import Response, State
from ringfence.storage import Transaction
from ringfence.storage.tables import responses, runs

_HOUR: Final = timedelta(hours=1)
_UNUSED: Final = tuple(
    state.value
    for state in (
        State.REQUESTED,
        State.DENIED,
        State.NOT_NEEDED,
        State.AWAITING_APPROVAL,
        State.REJECTED,
        State.EXPIRED,
        State.WITHDRAWN,
    )
)


def tally(tx: Transaction, response: Response) -> Tally:
    """Count what was decided under the same limit in the last hour, without this one.

    What a run asked for counts as its playbook's too, what a person asked for as nobody's but the organization's.
    """
    organization_id = response.organization_id
    playbook = gathering.playbook_of(tx, response.run_id)
    lift = brakes.lifted(tx, organization_id, other_than=response.id)
    return Tally(
        used=_sum(tx, _decided(response)),
        playbook=playbook["name"] if playbook is not None else None,
        of_playbook=_sum(tx, _decided(response, playbook["id"])) if playbook is not None else 0,
        tripped=tuple(brake_key(each.limit, each.subject) for each in brakes.holding(tx, organization_id)),
        lifted=lift.sentence if lift is not None else "",
    )


def opens_at(tx: Transaction, response: Response, policy: Policy, brake: Brake) -> datetime | None:
    """Return when so much of the last hour is over that a limit lets this one pass; None if time does not tell."""
    if policy.brake_until_lifted:
        return None
    playbook = gathering.playbook_of(tx, response.run_id) if brake.subject else None
    where = _decided(response, playbook["id"] if playbook is not None else None)
    query = sa.select(responses.c.decided_at, responses.c.weight).where(*where)
    named = limits(policy, response.kind, brake.subject or None)
    room = next(most for limit, _, most, _ in named if limit is brake.limit) - response.weight
    if room < 0:
        return None
    for row in tx.all(query.order_by(responses.c.decided_at.desc())):
        room -= row["weight"]
        if room < 0:
            decided: datetime = row["decided_at"]
            return decided + _HOUR
    return None


def _decided(response: Response, playbook_id: str | None = None) -> tuple[sa.ColumnElement[bool], ...]:
    alike = [kind.value for kind, traits in TRAITS.items() if traits.limit == response.traits.limit]
    of_playbook = sa.select(runs.c.id).where(runs.c.playbook_id == playbook_id)
    return (
        responses.c.organization_id == response.organization_id,
        responses.c.id != response.id,
        responses.c.kind.in_(alike),
        responses.c.decided_at > clock.now() - _HOUR,
        responses.c.state.not_in(_UNUSED),
        *([responses.c.run_id.in_(of_playbook)] if playbook_id is not None else []),
    )


def _sum(tx: Transaction, where: tuple[sa.ColumnElement[bool], ...]) -> int:
    return int(tx.scalar(sa.select(sa.func.coalesce(sa.func.sum(responses.c.weight), 0)).where(*where)))
