"""How somebody looks at a list: saved filters, and columns that they chose. Every page of a list shows it by `look`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Actor, Permission
from ringfence.storage import Database, Transaction
from ringfence.views import columns as chosen
from ringfence.views import saved
from ringfence.views.lists import LISTS, Column, List, by_name
from ringfence.views.saved import Filter
from ringfence.web.listing_csv import ALL, Columns
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Pages, wants_part
from ringfence.web.services import Services

Text = Annotated[str, Form(max_length=saved.LONGEST_NAME * 10)]
Query = Annotated[str, Form(max_length=10_000)]
_EVERYTHING = "view=all"


@dataclass(frozen=True, slots=True)
class View:
    """A list as somebody sees it now.

    `leads` is where its bare address leads instead, None where it is to be shown; `query` is its present filter. The columns are
    those of `table`, which is the list itself but where it shows something else now.
    """

    kind: List
    query: str
    filters: tuple[Filter, ...]
    choice: chosen.Choice
    leads: str | None
    table: List

    @property
    def current(self) -> Filter | None:
        """The saved filter that is the present one."""
        return next((each for each in self.filters if self.query and each.query == self.query), None)

    @property
    def clear(self) -> str:
        """The address of the list without any filter, also for who has a default."""
        return f"{self.kind.address}?{_EVERYTHING}" if any(each.default for each in self.filters) else self.kind.address

    @property
    def offered(self) -> tuple[Column, ...]:
        """All columns to choose from: those that are shown first, in their order."""
        return (*self.choice.columns, *(each for each in self.table.columns if each not in self.choice.columns))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns that are shown."""
        return self.choice.columns

    @property
    def roomy(self) -> str:
        """The class of a column that narrow windows leave out, unless somebody chose it."""
        return "" if self.choice.own else "roomy"

    def has(self, key: str) -> bool:
        """Whether a column is shown."""
        return key in self.choice.keys

    def heads(self, every: Columns, form: str) -> Columns:
        """Return the columns of a CSV: those that stand for what somebody chose to see, else all."""
        if form == ALL or not self.choice.own:
            return every
        return {head: every[head] for each in self.choice.columns for head in each.heads if head in every}


async def look(request: Request, database: Database, asker: Actor, name: str, table: str | None = None) -> View:
    """Return how `asker` sees a list by this request, with the columns of `table` where it shows that."""
    kind, shown = LISTS[name], LISTS[table or name]

    def work(tx: Transaction) -> tuple[list[Filter], chosen.Choice]:
        return saved.visible(tx, asker, name), chosen.shown(tx, asker, shown)

    try:
        query = kind.normal(request.url.query)
    except Invalid:
        # It filters all the same; it is only too long to be kept.
        query = ""
    filters, choice = await database.read(work)
    # Who takes a filter away while they look at a list means the list without it.
    bare = not request.url.query and not wants_part(request)
    leads = next((each.address for each in filters if each.default), None) if bare else None
    return View(kind, query, tuple(filters), choice, leads, shown)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes that keep filters and columns."""
    router = APIRouter(dependencies=[needs(Permission.SELF_MANAGE)])
    database = services.database

    @router.post("/filters")
    async def save(
        asker: Asker,
        list_: Annotated[Text, Form(alias="list")] = "",
        name: Text = "",
        query: Query = "",
        shared: Text = "",
        default: Text = "",
    ) -> Response:
        made = await database.run(
            lambda tx: saved.save(tx, asker, list_, name, query, shared=shared == "yes", as_default=default == "yes")
        )
        return RedirectResponse(made.address, 303)

    async def change(back: str, work: Callable[[Transaction], Filter]) -> Response:
        found = await database.run(work)
        return RedirectResponse(local_path(back, LISTS[found.list].address), 303)

    @router.post("/filters/{filter_id}/default")
    async def lead(asker: Asker, filter_id: str, on: Text = "yes", back: Query = "") -> Response:
        return await change(back, lambda tx: saved.set_default(tx, asker, filter_id, on=on == "yes"))

    @router.post("/filters/{filter_id}/share")
    async def share(asker: Asker, filter_id: str, on: Text = "yes", back: Query = "") -> Response:
        return await change(back, lambda tx: saved.change(tx, asker, filter_id, shared=on == "yes"))

    @router.post("/filters/{filter_id}/rename")
    async def rename(asker: Asker, filter_id: str, name: Text = "", back: Query = "") -> Response:
        return await change(back, lambda tx: saved.change(tx, asker, filter_id, title=name))

    @router.post("/filters/{filter_id}/remove")
    async def remove(asker: Asker, filter_id: str, back: Query = "") -> Response:
        return await change(back, lambda tx: saved.remove(tx, asker, filter_id))

    @router.post("/lists/{name}/columns")
    async def choose(
        asker: Asker,
        name: str,
        column: Annotated[list[str] | None, Form()] = None,
        do: Text = "choose",
        back: Query = "",
    ) -> Response:
        kind = by_name(name)
        if not kind.columns:
            raise Invalid(f"{kind.title} have no columns to choose from.")
        await database.run(lambda tx: chosen.choose(tx, asker, kind, None if do == "usual" else column or []))
        return RedirectResponse(local_path(back, kind.address), 303)

    return router
