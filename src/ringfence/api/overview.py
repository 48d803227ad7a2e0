"""/api/v1/overview: what needs attention now, in numbers."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.accounts import records
from ringfence.alerts import queue
from ringfence.api.access import OrganizationId
from ringfence.api.policy import Brake, Stop
from ringfence.approvals import service as approvals
from ringfence.containment import board, brakes, policies
from ringfence.runs import history
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.services import records as services
from ringfence.storage import Database, Transaction, changes

_OPEN = ("New", "InProgress")


class ContainmentCounts(BaseModel):
    """How many containments stand where."""

    model_config = ConfigDict(from_attributes=True)

    live: int
    contained: int
    moving: int
    attention: int


class RunCounts(BaseModel):
    """How many runs are under way, and how those of the last day ended."""

    model_config = ConfigDict(from_attributes=True)

    live: int
    succeeded: int
    failed: int


class Overview(BaseModel):
    """What needs attention now; `change` is the number in the change feed up to which it holds."""

    change: int
    open_alerts: dict[str, int] = Field(description="By severity.")
    rejected_alerts: int
    containments: ContainmentCounts
    runs: RunCounts
    open_questions: int
    accounts: dict[str, int] = Field(description="By state.")
    services: dict[str, int] = Field(description="By state.")
    stops: list[Stop]
    brakes: list[Brake]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/overview", tags=["overview"], dependencies=[needs(Permission.ORGANIZATION_READ)])

    @router.get("")
    async def one(organization_id: OrganizationId) -> Overview:
        """Say what needs attention now, in numbers. All of them are of the same moment."""
        return await database.read(lambda tx: _overview(tx, organization_id))

    return router


def _overview(tx: Transaction, organization_id: str) -> Overview:
    return Overview(
        change=changes.latest(tx),
        open_alerts=queue.counts(tx, organization_id, _OPEN),
        rejected_alerts=queue.count_rejected(tx, organization_id),
        containments=ContainmentCounts.model_validate(board.counts(tx, organization_id)),
        runs=RunCounts.model_validate(history.counts(tx, organization_id)),
        open_questions=approvals.open_count(tx, organization_id),
        accounts=_by_state([each.state.value for each in records.every(tx, organization_id)]),
        services=_by_state([each.state.value for each in services.every(tx, organization_id)]),
        stops=[
            Stop(scope=each.scope.name, by=each.by, at=each.at, note=each.note)
            for each in policies.stops(tx, organization_id)
        ],
        brakes=[Brake.model_validate(each) for each in brakes.holding(tx, organization_id)],
    )


def _by_state(states: list[str]) -> dict[str, int]:
    return {state: states.count(state) for state in sorted(set(states))}
