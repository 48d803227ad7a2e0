"""/api/v1/audit."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict
from starlette.responses import StreamingResponse

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.audit import export, heads, log, witnesses
from ringfence.audit.heads import Signer
from ringfence.audit.verification import verify
from ringfence.errors import NotFound, Unavailable
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


class PublicKey(BaseModel):
    """The key that signed heads are checked with (Ed25519): its id, and itself as PEM."""

    key: str
    pem: str


class SignedHead(BaseModel):
    """The newest entry at a moment; `signature` is base64 over canonical JSON (RFC 8785) of the rest, see docs/audit.md."""

    model_config = ConfigDict(from_attributes=True)

    organization_id: str
    number: int
    hash: str
    signed_at: AwareDatetime
    key: str
    signature: str


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
        signer = Signer(settings.data)
        report = await database.read(lambda tx: verify(tx, organization_id, signed, signer.public, signer.older))
        return Verification(
            sound=report.sound,
            entries=report.entries,
            signed_heads=report.signed_heads,
            found=report.found,
            problems=[Finding.model_validate(each) for each in report.problems],
        )

    @router.get("/key")
    async def key() -> PublicKey:
        """Return the public key that proves signed heads. Keep it, and the heads, on another machine."""
        public = Signer(settings.data).public
        return PublicKey(key=heads.key_id(public), pem=heads.pem(public))

    @router.post("/head", status_code=201, dependencies=[needs(Permission.AUDIT_EXPORT)])
    async def sign(author: Author) -> SignedHead:
        """Sign the newest entry now, and keep the head with those that the worker signs.

        Who keeps it elsewhere can prove later that nothing up to it was changed.
        """
        newest = await database.read(lambda tx: log.head(tx, author.organization_id))
        if newest is None:
            raise NotFound("Nothing was written down yet.", advice="Come back when something was done.")
        signed = Signer(settings.data).sign(newest)
        try:
            await asyncio.to_thread(witnesses.append, settings.audit_heads_file, [signed])
        except OSError as error:
            raise Unavailable(
                f"The head cannot be written: {error.strerror}.", advice="Who runs the server can mend it."
            ) from error
        return SignedHead.model_validate(signed)

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
