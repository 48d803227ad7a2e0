"""/api/v1/playbooks/{playbook}/versions and /diff: what was published, and what differs."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.api.playbook_drafts import Name
from ringfence.clock import iso
from ringfence.errors import Invalid
from ringfence.playbooks import difference, drafts, library, trials
from ringfence.playbooks.document import read
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Version(_Read):
    """A published version; `restores` is the older one whose text it brought back."""

    id: str
    version: str = Field(validation_alias="number")
    published_at: AwareDatetime
    published_by: str
    approved_by: str
    note: str
    restores: str


class VersionWithSource(Version):
    """A published version with its text, and what a worker found when it tried whether it lets go what it cuts off.

    `release_proven` is null where nothing was tried, or is not done yet; `trial` is the proof's id.
    """

    source: str
    release_proven: bool | None = None
    release_detail: str = ""
    trial: str | None = None


class Change(_Read):
    """One difference between two versions."""

    kind: str
    step: str | None
    field: str | None
    before: Any
    after: Any
    sentence: str


class Diff(BaseModel):
    """What differs; without changes, both mean the same."""

    before: str
    after: str
    changes: list[Change]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.get("/{playbook}/versions")
    async def versions(organization_id: OrganizationId, paging: Paged, playbook: Name) -> Listing[Version]:
        """List the published versions of a playbook. The newest comes first."""
        found = await database.read(lambda tx: library.versions(tx, organization_id, playbook))
        return paging.of(
            found, Version.model_validate, key=lambda each: (iso(each.published_at), each.id), newest_first=True
        )

    @router.get("/{playbook}/versions/{version}")
    async def one_version(
        organization_id: OrganizationId, playbook: Name, version: Annotated[str, Path(max_length=40)]
    ) -> VersionWithSource:
        """Show one published version with its text. Versions never change."""

        def look(tx: Transaction) -> VersionWithSource:
            found = library.version(tx, organization_id, playbook, version)
            source = library.source_of(tx, organization_id, found.id)
            named = Version.model_validate(found).model_dump() | {"number": found.number, "source": source}
            proof = trials.proof_of_version(tx, found.id)
            if proof is not None:
                named |= {"release_proven": proof.proven, "release_detail": proof.detail, "trial": proof.id}
            return VersionWithSource.model_validate(named)

        return await database.read(look)

    @router.get("/{playbook}/diff")
    async def diff(
        organization_id: OrganizationId,
        playbook: Name,
        before: Annotated[str, Query(max_length=40, description="A version, or `draft`.")],
        after: Annotated[str, Query(max_length=40, description="A version, or `draft`.")],
    ) -> Diff:
        """Say what differs between two versions, or a version and the draft.

        Each change is a sentence, and can be read by programs.
        """

        def look(tx: Transaction) -> Diff:
            first, second = (_text(tx, organization_id, playbook, side) for side in (before, after))
            was, now = read(first), read(second)
            if now.playbook is None or was.playbook is None:
                lines = tuple(each.render("playbook") for each in (*was.problems, *now.problems))
                raise Invalid("One of the two cannot be read.", advice="Correct it first.", problems=lines)
            changes = difference.compare(was.playbook, now.playbook)
            return Diff(before=before, after=after, changes=[Change.model_validate(each) for each in changes])

        return await database.read(look)

    return router


def _text(tx: Transaction, organization_id: str, playbook: str, side: str) -> str:
    if side == "draft":
        return drafts.current(tx, organization_id, playbook).source
    return library.source_of(tx, organization_id, library.version(tx, organization_id, playbook, side).id)
