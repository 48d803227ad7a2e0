"""/api/v1/filters and /api/v1/lists: the filters of lists that who asks may use, and the columns that they chose."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.api.listing import Listing, Paged
from ringfence.errors import Invalid
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction
from ringfence.views import columns, saved
from ringfence.views.columns import Choice
from ringfence.views.lists import LISTS, List, by_name

Text = Annotated[str, Field(max_length=800)]
Asked = Annotated[
    str, Field(max_length=10_000, description="What the address of the page says after the question mark.")
]


class SavedFilter(BaseModel):
    """A filter of a list. `mine` says that it is of who asks, `default` that the list opens with it for them."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    list: str
    name: str
    query: str
    address: str = Field(description="Where it is on the pages.")
    shared: bool = Field(description="Whether everybody in the organization sees it.")
    owner: str
    mine: bool
    default: bool
    changed_at: AwareDatetime


class NewFilter(BaseModel):
    """A filter to be saved; one of who asks that has this name already is replaced."""

    model_config = ConfigDict(extra="forbid")

    list: Text
    name: Text
    query: Asked
    shared: bool = False
    default: bool = False


class FilterChanges(BaseModel):
    """What to change; what is left out stays. `default` is for who asks alone."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    shared: bool | None = None
    default: bool | None = None


class ListColumn(BaseModel):
    """A column of a list; what is `fixed` is always shown."""

    model_config = ConfigDict(from_attributes=True)

    key: str
    title: str
    fixed: bool
    shown: bool = Field(description="Whether who asks sees it.")


class ListView(BaseModel):
    """A list as who asks sees it: the fields of its filter, and its columns; `own`: they chose these themselves."""

    name: str
    title: str
    address: str
    fields: list[str]
    columns: list[ListColumn]
    own: bool

    @classmethod
    def of(cls, kind: List, choice: Choice) -> "ListView":
        """Say it as the API does."""
        return cls(
            name=kind.name,
            title=kind.title,
            address=kind.address,
            fields=list(kind.fields),
            columns=[
                ListColumn(key=each.key, title=each.title, fixed=each.fixed, shown=each in choice.columns)
                for each in kind.columns
            ],
            own=choice.own,
        )


class ChosenColumns(BaseModel):
    """The keys of the columns to show, beside the fixed ones; null for the usual ones."""

    model_config = ConfigDict(extra="forbid")

    columns: Annotated[list[Text], Field(max_length=100)] | None


def routes(database: Database) -> APIRouter:
    """Return the routes of these nouns."""
    router = APIRouter(dependencies=[needs(Permission.SELF_MANAGE)])

    @router.get("/filters")
    async def listing(
        asker: Asker, paging: Paged, name: Annotated[str | None, Query(alias="list", max_length=60)] = None
    ) -> Listing[SavedFilter]:
        """List the saved filters that who asks may use. These are their own, and what others share."""
        if name is not None:
            by_name(name)
        found = await database.read(lambda tx: saved.visible(tx, asker, name))
        return paging.of(found, SavedFilter.model_validate, key=lambda each: (each.list, each.name, each.id))

    @router.post("/filters", status_code=201)
    async def save(asker: Asker, _: Author, new: NewFilter) -> SavedFilter:
        """Save a filter of a list under a name. One of who asks that has this name already is replaced."""
        kind = by_name(new.list)
        if strange := kind.unknown(new.query):
            raise Invalid(
                f"{kind.title} have no filter {strange[0][:60]!r}.", advice=f"There are: {', '.join(kind.fields)}."
            )
        made = await database.run(
            lambda tx: saved.save(tx, asker, new.list, new.name, new.query, shared=new.shared, as_default=new.default)
        )
        return SavedFilter.model_validate(made)

    @router.patch("/filters/{filter_id}")
    async def update(asker: Asker, _: Author, filter_id: str, changes: FilterChanges) -> SavedFilter:
        """Rename a saved filter, share it, or make it the default. A default is of who asks alone."""

        def work(tx: Transaction) -> saved.Filter:
            if changes.name is not None or changes.shared is not None:
                saved.change(tx, asker, filter_id, title=changes.name, shared=changes.shared)
            if changes.default is not None:
                saved.set_default(tx, asker, filter_id, on=changes.default)
            return saved.get(tx, asker, filter_id)

        return SavedFilter.model_validate(await database.run(work))

    @router.delete("/filters/{filter_id}", status_code=204)
    async def remove(asker: Asker, _: Author, filter_id: str) -> None:
        """Remove a saved filter. A shared one of somebody else needs the permission to change the organization."""
        await database.run(lambda tx: saved.remove(tx, asker, filter_id))

    @router.get("/lists")
    async def lists(asker: Asker, paging: Paged) -> Listing[ListView]:
        """List the lists that have filters, with their columns as who asks sees them."""

        def work(tx: Transaction) -> list[ListView]:
            seen = [each for each in LISTS.values() if asker.may(each.permission)]
            return [ListView.of(each, columns.shown(tx, asker, each)) for each in seen]

        return paging.of(await database.read(work), lambda each: each, key=lambda each: (each.name,))

    @router.put("/lists/{name}/columns")
    async def choose_columns(asker: Asker, _: Author, name: str, chosen: ChosenColumns) -> ListView:
        """Choose the columns of a list. Pages and their CSV show them to who asks."""
        kind = by_name(name)
        return ListView.of(kind, await database.run(lambda tx: columns.choose(tx, asker, kind, chosen.columns)))

    return router
