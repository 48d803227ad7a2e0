"""/api/v1/responses."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.responses import board, in_person
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database


class Response(BaseModel):
    """One response: what was asked for beside isolation, where it stands, and how it is taken back."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: Kind
    account_id: str
    account_name: str
    target: str
    machine_id: str | None
    machine_name: str | None
    parameters: Mapping[str, Any]
    reason: str
    requested_by: str
    run_id: str | None
    alert_id: str | None
    joined_id: str | None
    state: str
    detail: str
    over: bool
    in_effect: bool
    undoable: bool
    undo: str = Field(description="How it is taken back, or that it cannot be.")
    action_id: str | None
    undo_action_id: str | None
    deadline_at: AwareDatetime
    requested_at: AwareDatetime
    decided_at: AwareDatetime | None
    submitted_at: AwareDatetime | None
    accepted_at: AwareDatetime | None
    done_at: AwareDatetime | None
    ends_at: AwareDatetime | None
    undo_requested_at: AwareDatetime | None
    undone_at: AwareDatetime | None
    finished_at: AwareDatetime | None


class Event(BaseModel):
    """One transition."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    before: str | None
    after: str
    detail: str
    facts: Any


class ResponseWithProof(Response):
    """One response with the verdict, what Defender made of it, and each transition."""

    verdict: Mapping[str, Any] | None
    made: Any
    events: list[Event]


class KindOfResponse(BaseModel):
    """What can be asked for, and how it is taken back."""

    kind: Kind
    undoable: bool
    undo: str
    people: int = Field(description="So many different people must say yes at least, whatever policy says.")


class NewResponse(BaseModel):
    """What is asked for. `target` is a host; indicators name none. `parameters`: `sha1`, `scan`, or `indicators`."""

    model_config = ConfigDict(extra="forbid")

    kind: Annotated[str, Field(max_length=60)]
    target: Annotated[str, Field(max_length=300)] = ""
    reason: Annotated[str, Field(min_length=1, max_length=500)]
    parameters: dict[str, Any] = {}
    account: Annotated[str | None, Field(max_length=200, description="Its name; needed where there are several.")] = (
        None
    )
    undo_after: Annotated[float | None, Field(gt=0, description="Lift a restriction by itself, in seconds.")] = None


class Undoing(BaseModel):
    """Why something is taken back."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, Field(min_length=1, max_length=500)]


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/responses", tags=["responses"], dependencies=[needs(Permission.RESPONSE_READ)])

    def proven(found: board.Detail) -> ResponseWithProof:
        return ResponseWithProof(
            **Response.model_validate(found.row).model_dump(),
            verdict=found.verdict,
            made=found.made,
            events=[Event.model_validate(event) for event in found.events],
        )

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        live: bool | None = None,
        kind: Kind | None = None,
        text: Annotated[str, Query(max_length=200)] = "",
        run_id: str | None = None,
    ) -> Listing[Response]:
        """List response actions, the newest first. `live=true` leaves out those that are over."""
        page = await database.read(
            lambda tx: board.listing(
                tx,
                organization_id,
                live=live,
                kind=kind,
                text=text,
                run_id=run_id,
                cursor=paging.cursor,
                limit=paging.limit,
            )
        )
        return paging.listing([Response.model_validate(row) for row in page.rows], page.next)

    @router.get("/kinds")
    async def kinds(organization_id: OrganizationId) -> list[KindOfResponse]:
        """List what can be asked for beside isolation.

        Each says how it is taken back, and how many people must say yes.
        """
        return [
            KindOfResponse(kind=kind, undoable=traits.undoable, undo=traits.undo, people=traits.people)
            for kind, traits in TRAITS.items()
        ]

    @router.get("/{response_id}")
    async def one(organization_id: OrganizationId, response_id: str) -> ResponseWithProof:
        """Show one response with its verdict, what Defender made of it, and every transition.

        `undo` says how it is taken back.
        """
        return proven(await database.read(lambda tx: board.get(tx, organization_id, response_id)))

    @router.post("", status_code=201, dependencies=[needs(Permission.RESPONSE_ACT)])
    async def request(author: Author, given: NewResponse) -> ResponseWithProof:
        """Ask for a response action. Policy decides as it does for playbooks, and Ringfence follows it to its end."""
        made = await database.run(
            lambda tx: in_person.request(
                tx,
                organization_id=author.organization_id,
                kind=given.kind,
                target=given.target,
                parameters=given.parameters,
                reason=given.reason,
                account=given.account,
                by=author.name,
                undo_after=given.undo_after,
                deadline=settings.decision_deadline,
            )
        )
        return proven(await database.read(lambda tx: board.get(tx, author.organization_id, made.id)))

    @router.post("/{response_id}/undo", dependencies=[needs(Permission.RESPONSE_UNDO)])
    async def undo(author: Author, response_id: str, given: Undoing) -> ResponseWithProof:
        """Take a response back, or cancel it. What cannot be taken back is a conflict."""
        organization_id = author.organization_id
        await database.run(
            lambda tx: in_person.undo(tx, organization_id, response_id, by=author.name, reason=given.reason)
        )
        return proven(await database.read(lambda tx: board.get(tx, organization_id, response_id)))

    return router
