"""/api/v1/playbooks/drafts and /check: drafts, every save of them, and what is wrong with a text."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch
from ringfence.api.editing import seen as seen_version
from ringfence.api.listing import Listing, Paged
from ringfence.playbooks import drafts, library
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.publishing import Publishing
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

Name = Annotated[str, Path(max_length=200, description="The playbook's id or name.")]


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Draft(_Read):
    """One save of a draft; `base` is the version that it began from."""

    playbook_id: str
    name: str
    revision: int
    base: str
    note: str
    saved_at: AwareDatetime
    saved_by: str
    open: bool


class Finding(_Read):
    """What is wrong with a playbook, and where."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    advice: str
    line: int
    column: int
    step: str | None
    field: str | None


class DraftWithSource(Draft):
    """A draft with its text, and what is wrong with it."""

    source: str
    problems: list[Finding]


class Text(BaseModel):
    """The text of a playbook."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=MAX_SOURCE)
    note: str = Field("", max_length=library.LONGEST_NOTE)


class Checked(BaseModel):
    """What is wrong with a text."""

    publishable: bool
    problems: list[Finding]


def routes(database: Database, desk: Publishing) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.post("/check")
    async def check(author: Author, body: Text) -> Checked:
        """Check the text of a playbook. Nothing is stored; every finding says where it is and what to do."""
        found = await database.read(lambda tx: desk.examine(tx, author.organization_id, body.source, author.name))
        publishable = not any(each.severity == "error" for each in found)
        return Checked(publishable=publishable, problems=[Finding.model_validate(each) for each in found])

    @router.get("/drafts")
    async def opened(organization_id: OrganizationId, paging: Paged) -> Listing[Draft]:
        """List the drafts that are open. Each says which version it began from."""
        found = await database.read(lambda tx: drafts.opened(tx, organization_id))
        return paging.of(found, Draft.model_validate, key=lambda each: (each.name, each.playbook_id))

    async def save(
        author: Author, body: Text, response: Response, seen: int | None, playbook: str | None
    ) -> DraftWithSource:
        def work(tx: Transaction) -> DraftWithSource:
            saved = drafts.save(
                tx, author.organization_id, body.source, author.name, playbook=playbook, expected=seen, note=body.note
            )
            return _draft(desk, tx, saved, author.name)

        made = await database.run(work)
        response.headers["ETag"] = f'"{made.revision}"'
        return made

    @router.post("/drafts", status_code=201, dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def begin(author: Author, body: Text, response: Response) -> DraftWithSource:
        """Begin a draft. A playbook of the same name must not have one."""
        return await save(author, body, response, 0, None)

    @router.get("/{playbook}/draft")
    async def draft(organization_id: OrganizationId, playbook: Name, response: Response) -> DraftWithSource:
        """Show the draft of a playbook with what is wrong with it. Its ETag is the number of the save."""
        found = await database.read(lambda tx: _draft(desk, tx, drafts.current(tx, organization_id, playbook), None))
        response.headers["ETag"] = f'"{found.revision}"'
        return found

    @router.put("/{playbook}/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def rewrite(
        author: Author, playbook: Name, body: Text, response: Response, if_match: IfMatch = None
    ) -> DraftWithSource:
        """Save the draft of a playbook. Send the ETag that was read as If-Match, "0" where there was none."""
        return await save(author, body, response, seen_version(if_match), playbook)

    @router.delete("/{playbook}/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def discard(author: Author, playbook: Name, if_match: IfMatch = None) -> Draft:
        """Discard the draft of a playbook. Its saves are kept, and can be read."""
        seen = seen_version(if_match)
        closed = await database.run(
            lambda tx: drafts.discard(tx, author.organization_id, playbook, author.name, expected=seen)
        )
        return Draft.model_validate(closed)

    @router.get("/{playbook}/draft/history")
    async def saves(organization_id: OrganizationId, paging: Paged, playbook: Name) -> Listing[Draft]:
        """List every save of a playbook's drafts. The newest comes first."""
        found = await database.read(lambda tx: drafts.history(tx, organization_id, playbook))
        return paging.of(found, Draft.model_validate, key=lambda each: (each.revision,), newest_first=True)

    @router.get("/{playbook}/draft/history/{revision}")
    async def one_save(
        organization_id: OrganizationId, playbook: Name, revision: Annotated[int, Path(ge=1, le=999_999_999)]
    ) -> DraftWithSource:
        """Show one save of a playbook's draft. What is wrong with it is reckoned anew."""
        return await database.read(
            lambda tx: _draft(desk, tx, drafts.revision(tx, organization_id, playbook, revision), None)
        )

    return router


def _draft(desk: Publishing, tx: Transaction, found: drafts.Draft, by: str | None) -> DraftWithSource:
    problems = desk.examine(tx, found.organization_id, found.source, by)
    named = Draft.model_validate(found).model_dump()
    return DraftWithSource(**named, source=found.source, problems=[Finding.model_validate(each) for each in problems])
