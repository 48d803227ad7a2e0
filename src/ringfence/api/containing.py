"""/api/v1/containments: ask for a host to be cut off, and to be let go. What becomes of it is read where containments are."""

from typing import Annotated, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author
from ringfence.api.containments import ContainmentWithProof, shown
from ringfence.containment import board
from ringfence.deeds import Contain, Release
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database

Reason = Annotated[str, Field(min_length=1, max_length=500)]


class NewContainment(BaseModel):
    """A host to cut off. Policy decides; `force` contains also where Defender has dealt with the alert already."""

    model_config = ConfigDict(extra="forbid")

    target: Annotated[str, Field(min_length=1, max_length=300, description="Machine id, whole DNS name or IP address.")]
    reason: Reason
    account: Annotated[str | None, Field(max_length=200, description="Its name; needed where it is not clear.")] = None
    isolation_type: Literal["Full", "Selective"] = "Full"
    auto_release_after: Annotated[
        float | None, Field(gt=0, le=31_536_000, description="Let the host go by itself, in seconds.")
    ] = None
    alert: Annotated[
        str | None, Field(max_length=200, description="Because of which alert: our id, or Defender's.")
    ] = None
    force: bool = False


class LettingGo(BaseModel):
    """Why a host may be free again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


def routes(database: Database, ask: Contain, let_go: Release) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/containments", tags=["containments"])

    async def found(organization_id: str, containment_id: str) -> ContainmentWithProof:
        return shown(await database.read(lambda tx: board.get(tx, organization_id, containment_id)))

    @router.post("", status_code=201, dependencies=[needs(Permission.CONTAINMENT_CONTAIN)])
    async def contain(author: Author, wanted: NewContainment, response: Response) -> ContainmentWithProof:
        """Contain a host. Policy decides as it does for playbooks, and Ringfence follows it until Defender has confirmed it."""
        made = await ask(
            organization_id=author.organization_id,
            target=wanted.target.strip(),
            isolation_type=wanted.isolation_type,
            reason=wanted.reason.strip(),
            account=wanted.account,
            by=author.name,
            auto_release=wanted.auto_release_after,
            force=wanted.force,
            alert=wanted.alert,
        )
        response.headers["Location"] = f"/api/v1/containments/{made}"
        return await found(author.organization_id, made)

    @router.post("/{containment_id}/release", dependencies=[needs(Permission.CONTAINMENT_RELEASE)])
    async def release(author: Author, containment_id: str, wanted: LettingGo) -> ContainmentWithProof:
        """Release a host, whoever holds it. It is free when Defender has confirmed it; releasing is never held up by limits."""
        # Looked for in this organization first: the action itself knows no organizations.
        await found(author.organization_id, containment_id)
        await let_go(containment_id=containment_id, reason=wanted.reason.strip(), by=author.name)
        return await found(author.organization_id, containment_id)

    return router
