"""/api/v1/playbooks/…/cacao and /api/v1/starters: playbooks from outside, for outside, and to begin from."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.errors import ContentTooLarge, Invalid
from ringfence.playbooks import library, starter
from ringfence.playbooks.cacao.reading import MAX_BYTES
from ringfence.playbooks.cacao.taking import take
from ringfence.playbooks.cacao.writing import Origin, write
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class NotCarried(_Read):
    """Something that one form of a playbook says and the other cannot; `place` is a JSON pointer, or a path of the playbook."""

    place: str
    reason: str


class CacaoDocument(_Read):
    """A playbook as OASIS CACAO 2.0, and what other tools will not see in it."""

    document: dict[str, Any]
    left_out: list[NotCarried]


class TakenPlaybook(_Read):
    """The text of a playbook that was made of a CACAO document; nothing is stored. Save it as a draft to go on."""

    name: str
    source: str
    whole: bool = Field(description="Whether it is the very text from which Ringfence wrote the document.")
    carried_out: dict[str, str] = Field(description="The steps that Ringfence would do, with their actions.")
    by_hand: list[str] = Field(description="The steps that ask a person to do what a command says.")
    left_out: list[NotCarried]


class StarterSummary(_Read):
    """A playbook that comes with Ringfence; `channels` are those that it tells, by name."""

    name: str
    title: str
    description: str
    about: str
    trigger: str
    actions: list[str]
    channels: list[str]


class StarterWithSource(StarterSummary):
    """One of them with its YAML, in which the names asked for stand."""

    source: str


Named = Annotated[str | None, Query(max_length=200)]


def routes(database: Database) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.get("/playbooks/{playbook}/cacao", tags=["playbooks"])
    async def cacao(
        organization_id: OrganizationId,
        playbook: str,
        marking: Annotated[str | None, Query(max_length=40, description="A level of TLP 2.0, e.g. TLP:AMBER.")] = None,
    ) -> CacaoDocument:
        """Give the newest version of a playbook as OASIS CACAO 2.0. What the standard cannot carry is listed."""

        def look(tx: Transaction) -> tuple[library.StoredPlaybook, str]:
            found = library.get(tx, organization_id, playbook)
            return found, library.source_of(tx, organization_id, found.version_id)

        found, source = await database.read(look)
        origin = Origin.of(found.id, organization_id, iso(found.created_at), iso(found.published_at), marking)
        return CacaoDocument.model_validate(write(source, discover(), origin))

    @router.post(
        "/playbooks/cacao",
        tags=["playbooks"],
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
        },
        dependencies=[needs(Permission.PLAYBOOK_WRITE)],
    )
    async def taken(_: Author, request: Request) -> TakenPlaybook:
        """Make the text of a playbook of an OASIS CACAO 2.0 document; faults come with the JSON pointer of their place.

        Nothing is stored.
        """
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > MAX_BYTES:
                raise ContentTooLarge(
                    "The document is too large.", advice=f"{MAX_BYTES // 1_048_576} MiB are the most."
                )
        try:
            text = body.decode()
        except UnicodeDecodeError:
            raise Invalid("The document is not UTF-8.", advice="Send JSON in UTF-8.") from None
        made = take(text, discover())
        return TakenPlaybook(
            name=made.name,
            source=made.source,
            whole=made.whole,
            carried_out=dict(made.carried_out),
            by_hand=list(made.by_hand),
            left_out=[NotCarried.model_validate(each) for each in made.left_out],
        )

    @router.get("/starters", tags=["starters"])
    async def listing(_: OrganizationId, paging: Paged) -> Listing[StarterSummary]:
        """List the playbooks that come with Ringfence, to begin from. Each says what it needs."""
        found = starter.starters().values()
        return paging.of(found, StarterSummary.model_validate, key=lambda each: (each.name,))

    @router.get("/starters/{name}", tags=["starters"])
    async def one(
        _: OrganizationId,
        name: str,
        called: Named = None,
        account: Named = None,
        service: Named = None,
        channel: Named = None,
    ) -> StarterWithSource:
        """Give a starter's text, with the names in it that are asked for. Save it as a draft to go on."""
        found = starter.find(name)
        source = starter.made_from(found, name=called, account=account, service=service, channel=channel)
        return StarterWithSource.model_validate(found.to_json() | {"source": source})

    return router
