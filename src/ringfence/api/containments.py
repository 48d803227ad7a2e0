"""/api/v1/containments."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.containment import board
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class Containment(BaseModel):
    """One containment: `desired` is what we want of the host, `observed` what Defender confirmed."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    account_id: str
    account_name: str
    joined_id: str | None
    target: str
    machine_id: str | None
    machine_name: str | None
    isolation_type: str
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    state: str
    detail: str
    live: bool
    desired: str
    observed: str
    isolate_action_id: str | None
    release_action_id: str | None
    requested_at: AwareDatetime
    decided_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    accepted_at: AwareDatetime | None
    confirmed_at: AwareDatetime | None
    deadline_at: AwareDatetime
    auto_release_at: AwareDatetime | None
    release_requested_at: AwareDatetime | None
    release_submitted_at: AwareDatetime | None
    released_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class Verdict(BaseModel):
    """What policy said (`allowed`, `ask`, `denied` or `not_needed`), with the facts that it saw."""

    model_config = ConfigDict(from_attributes=True)

    outcome: str
    allowed: bool
    reasons: tuple[str, ...]
    facts: dict[str, Any]


class Event(BaseModel):
    """One transition."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    before: str | None
    after: str
    detail: str
    facts: Any


class Holder(BaseModel):
    """A run with its playbook, or an incident; neither where a person asked."""

    model_config = ConfigDict(from_attributes=True)

    run_id: str | None
    playbook: str | None
    incident: int | None = Field(description="The incident's number.")


class Hold(BaseModel):
    """Somebody who wants the host held."""

    model_config = ConfigDict(from_attributes=True)

    holder: str
    reason: str
    held_at: AwareDatetime
    let_go_at: AwareDatetime | None
    by: Holder


class ContainmentWithProof(Containment):
    """One containment with verdict, events and holds."""

    verdict: Verdict | None
    events: list[Event]
    holds: list[Hold]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/containments", tags=["containments"], dependencies=[needs(Permission.CONTAINMENT_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        live: bool | None = None,
        text: Annotated[str, Query(max_length=200)] = "",
        alert_id: str | None = None,
        run_id: str | None = None,
    ) -> Listing[Containment]:
        """List containments, the newest first. `live=true` leaves out those that are over."""
        page = await database.read(
            lambda tx: board.listing(
                tx,
                organization_id,
                live=live,
                text=text,
                alert_id=alert_id,
                run_id=run_id,
                cursor=paging.cursor,
                limit=paging.limit,
            )
        )
        return paging.listing([Containment.model_validate(row) for row in page.rows], page.next)

    @router.get("/{containment_id}")
    async def one(organization_id: OrganizationId, containment_id: str) -> ContainmentWithProof:
        """Show one containment with its verdict, every transition, and who holds the host.

        What Defender confirmed stands apart from what is wanted.
        """
        return shown(await database.read(lambda tx: board.get(tx, organization_id, containment_id)))

    return router


def shown(found: board.Detail) -> ContainmentWithProof:
    """Say it as the API does."""
    return ContainmentWithProof(
        **Containment.model_validate(found.row).model_dump(),
        verdict=None if found.verdict is None else Verdict.model_validate(found.verdict),
        events=[Event.model_validate(event) for event in found.events],
        holds=[Hold.model_validate(hold) for hold in found.holds],
    )
