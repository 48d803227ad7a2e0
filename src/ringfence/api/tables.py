"""/api/v1/tables: the lists that playbooks look things up in."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.errors import ContentTooLarge
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction, editions
from ringfence.tables import entries, service, sheet
from ringfence.tables.model import Entry as Entry_
from ringfence.tables.model import NewEntry, Table

CSV: Final = "text/csv; charset=utf-8"
Text = Annotated[str, Field(max_length=1_000)]


class LookupTable(BaseModel):
    """One table; `kind` is text, network or domain. `entries` are those that count, `expired` the others."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    kind: str
    description: str
    created_at: AwareDatetime
    created_by: str
    entries: int
    expired: int


class NewLookupTable(BaseModel):
    """A table to be made."""

    model_config = ConfigDict(extra="forbid")

    name: Text
    kind: Annotated[Text, Field(description="text, network or domain.")] = "text"
    description: Text = ""


class LookupEntry(BaseModel):
    """One entry of a table; after `expires_at` it is found no more."""

    model_config = ConfigDict(from_attributes=True)

    value: str
    note: str
    data: dict[str, str]
    expires_at: AwareDatetime | None
    added_at: AwareDatetime
    added_by: str


class NewLookupEntry(BaseModel):
    """An entry to be put into a table."""

    model_config = ConfigDict(extra="forbid")

    value: Text
    note: Text = ""
    data: dict[Text, Text] = {}
    expires_at: AwareDatetime | None = None


class NewEntries(BaseModel):
    """Entries to be put in together: all, or none."""

    model_config = ConfigDict(extra="forbid")

    items: Annotated[list[NewLookupEntry], Field(max_length=5_000)]


class LookedUp(BaseModel):
    """A value, and the closest entry that holds it, null where none does."""

    model_config = ConfigDict(from_attributes=True)

    value: str
    entry: LookupEntry | None


class Counted(BaseModel):
    """How many entries are new, or are no more."""

    count: int


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(tags=["tables"], dependencies=[needs(Permission.TABLE_READ)])

    @router.get("/tables")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[LookupTable]:
        """List the tables in the order of their names. Each says how many entries count."""
        found = await database.read(lambda tx: service.every(tx, organization_id))
        return paging.of(found, LookupTable.model_validate, key=lambda each: (each.name, each.id))

    @router.post("/tables", status_code=201, dependencies=[needs(Permission.TABLE_MANAGE)])
    async def make(author: Author, new: NewLookupTable) -> LookupTable:
        """Make a table. Its kind says how its values are compared."""
        made = await database.run(
            lambda tx: service.make(tx, author.organization_id, new.name, new.kind, new.description, by=author.name)
        )
        return LookupTable.model_validate(made)

    @router.get("/tables/{table}")
    async def show(organization_id: OrganizationId, table: str, response: Response) -> LookupTable:
        """Show one table, by its name or id. Its ETag is wanted for replacing all of its entries."""

        def look(tx: Transaction) -> tuple[Table, str]:
            found = service.by_name(tx, organization_id, table)
            return found, entries.edition(tx, found)

        found, current = await database.read(look)
        mark(response, current)
        return LookupTable.model_validate(found)

    @router.delete("/tables/{table}", status_code=204, dependencies=[needs(Permission.TABLE_MANAGE)])
    async def remove(author: Author, table: str) -> None:
        """Remove a table with its entries. Steps that use it fail from then on."""
        await database.run(lambda tx: service.remove(tx, author.organization_id, table, by=author.name))

    @router.get("/tables/{table}/entries")
    async def contents(
        organization_id: OrganizationId,
        paging: Paged,
        table: str,
        text: Annotated[str, Query(max_length=200)] = "",
    ) -> Listing[LookupEntry]:
        """List the entries of a table. `text` leaves only those that contain it."""

        def work(tx: Transaction) -> list[Entry_]:
            found = service.by_name(tx, organization_id, table)
            return entries.listed(tx, found, text=text, limit=paging.limit + 1, after=paging.cursor)

        found = await database.read(work)
        page = found[: paging.limit]
        last = page[-1].value if len(found) > paging.limit else None
        return paging.listing([LookupEntry.model_validate(each) for each in page], last)

    @router.post("/tables/{table}/entries", dependencies=[needs(Permission.TABLE_WRITE)])
    async def put(author: Author, table: str, new: NewEntries) -> Counted:
        """Put entries into a table: all, or none. One that is there already is brought to what is sent."""
        wanted = [NewEntry(each.value, each.note, each.expires_at, each.data) for each in new.items]

        def work(tx: Transaction) -> int:
            found = service.by_name(tx, author.organization_id, table)
            return entries.put(tx, found, wanted, by=author.name)

        return Counted(count=await database.run(work))

    @router.delete("/tables/{table}/entries", dependencies=[needs(Permission.TABLE_WRITE)])
    async def take_out(
        author: Author, table: str, value: Annotated[list[str], Query(min_length=1, max_length=100)]
    ) -> Counted:
        """Take entries out of a table. Values that are not in it change nothing."""

        def work(tx: Transaction) -> int:
            return entries.take_out(tx, service.by_name(tx, author.organization_id, table), value, by=author.name)

        return Counted(count=await database.run(work))

    @router.delete("/tables/{table}/entries/expired", dependencies=[needs(Permission.TABLE_WRITE)])
    async def take_out_expired(author: Author, table: str) -> Counted:
        """Take out of a table what has expired. It was not found any more."""

        def work(tx: Transaction) -> int:
            found = service.by_name(tx, author.organization_id, table)
            return entries.take_out_expired(tx, found, by=author.name)

        return Counted(count=await database.run(work))

    @router.get("/tables/{table}/lookup")
    async def lookup(
        organization_id: OrganizationId, table: str, value: Annotated[list[str], Query(min_length=1, max_length=100)]
    ) -> Listing[LookedUp]:
        """Look values up in a table. Each comes with the closest entry that holds it."""

        def work(tx: Transaction) -> list[entries.Found]:
            return entries.look_up(tx, service.by_name(tx, organization_id, table), value)

        found = await database.read(work)
        return Listing(items=[LookedUp.model_validate(each, from_attributes=True) for each in found], next=None)

    @router.get(
        "/tables/{table}/csv",
        response_class=Response,
        responses={200: {"description": "The file.", "content": {"text/csv": {"schema": {"type": "string"}}}}},
    )
    async def export(organization_id: OrganizationId, table: str) -> Response:
        """Return the entries of a table as CSV. No cell of it is taken for a formula."""

        def work(tx: Transaction) -> list[Entry_]:
            return entries.listed(tx, service.by_name(tx, organization_id, table), limit=entries.MOST_ENTRIES)

        return Response(sheet.write(await database.read(work)), media_type=CSV)

    @router.put(
        "/tables/{table}/csv",
        dependencies=[needs(Permission.TABLE_WRITE)],
        openapi_extra={
            "requestBody": {"required": True, "content": {"text/csv": {"schema": {"type": "string"}}}},
        },
    )
    async def import_(
        author: Author, table: str, request: Request, replace: bool = False, if_match: IfMatch = None
    ) -> Counted:
        """Put the entries of a CSV file into a table.

        With `replace`, all others are taken out first, and the ETag that was read is sent as If-Match.
        """
        content = bytearray()
        async for piece in request.stream():
            content += piece
            if len(content) > sheet.MOST_BYTES:
                raise ContentTooLarge("The file is too large.", advice="Import it in parts.")
        new = sheet.read(bytes(content))

        seen = edition(if_match) if replace else None

        def work(tx: Transaction) -> int:
            found = service.by_name(tx, author.organization_id, table)
            if replace:
                found = service.locked(tx, author.organization_id, table)
                editions.demand(seen, entries.edition(tx, found))
                entries.empty(tx, found, by=author.name)
                found = service.by_name(tx, author.organization_id, table)
            return entries.put(tx, found, new, by=author.name)

        return Counted(count=await database.run(work))

    return router
