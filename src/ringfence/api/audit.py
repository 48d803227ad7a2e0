"""/api/v1/audit."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import StreamingResponse

from ringfence.api.access import OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.audit import export, heads, log
from ringfence.audit.heads import Signer
from ringfence.audit.verification import verify
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database

_KINDS: Final = {export.Form.JSONL: "application/x-ndjson", export.Form.CSV: "text/csv"}
_FILES: Final = {kind: {"schema": {"type": "string"}} for kind in _KINDS.values()}


class Entry(BaseModel):
    """One entry. `hash` is SHA-256 over canonical JSON (RFC 8785) of the exported form of the rest; see docs/audit.md."""

    number: int
    at: AwareDatetime
    actor: str
    via: str
    event: str
    sentence: str
    subject: str
    subject_id: str
    details: Any
    previous: str
    hash: str


class Finding(BaseModel):
    """One thing that is wrong with the chain."""

    model_config = ConfigDict(from_attributes=True)

    fault: str
    number: int | None
    sentence: str


class Verification(BaseModel):
    """What a check of the whole chain found; of more than 200 problems the first are listed."""

    sound: bool
    entries: int
    signed_heads: int
    found: int
    problems: list[Finding]


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/audit", tags=["audit"], dependencies=[needs(Permission.AUDIT_READ)])

    @router.get("")
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        event: Annotated[str | None, Query(max_length=60)] = None,
        actor: Annotated[str | None, Query(max_length=500)] = None,
        text: Annotated[str, Query(max_length=200)] = "",
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
    ) -> Listing[Entry]:
        """List entries of the audit log, the newest first. Each carries the hash of the one before it."""
        page = await database.read(
            lambda tx: log.listing(
                tx,
                organization_id,
                event=event,
                actor=actor,
                text=text,
                since=since,
                until=until,
                below=None if paging.cursor is None else int(paging.cursor),
                limit=paging.limit,
            )
        )
        return paging.listing([_entry(each) for each in page.entries], None if page.next is None else str(page.next))

    @router.get("/verification")
    async def verification(organization_id: OrganizationId) -> Verification:
        """Check the whole chain of the audit log.

        Every entry that was changed, removed or added from outside is named.
        """
        signed = await database.read(lambda tx: heads.kept(settings.audit_heads_file, organization_id))
        public = Signer(settings.data).public
        report = await database.read(lambda tx: verify(tx, organization_id, signed, public))
        return Verification(
            sound=report.sound,
            entries=report.entries,
            signed_heads=report.signed_heads,
            found=report.found,
            problems=[Finding.model_validate(each) for each in report.problems],
        )

    @router.get(
        "/export",
        response_class=StreamingResponse,
        responses={200: {"description": "The file.", "content": _FILES}},
        dependencies=[needs(Permission.AUDIT_EXPORT)],
    )
    async def take(
        organization_id: OrganizationId,
        event: Annotated[str | None, Query(max_length=60)] = None,
        actor: Annotated[str | None, Query(max_length=500)] = None,
        text: Annotated[str, Query(max_length=200)] = "",
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
        written: Annotated[
            export.Form, Query(alias="format", description="Lines of JSON, or CSV for a spreadsheet.")
        ] = export.Form.JSONL,
    ) -> StreamingResponse:
        """Export the audit log as JSON Lines. The same filters as those of the list choose what is in it."""
        wanted = log.Wanted(event, actor, text, since, until)
        head = await database.run(lambda tx: export.begin(tx, organization_id, wanted, written))
        lines = export.stream(database, head, Signer(settings.data), wanted, written)
        return StreamingResponse(lines, media_type=_KINDS[written])

    return router


def _entry(entry: log.Entry) -> Entry:
    return Entry(
        number=entry.number,
        at=entry.at,
        actor=entry.actor,
        via=entry.via,
        event=entry.event,
        sentence=entry.sentence,
        subject=entry.subject,
        subject_id=entry.subject_id,
        details=entry.facts,
        previous=entry.previous,
        hash=entry.hash,
    )
