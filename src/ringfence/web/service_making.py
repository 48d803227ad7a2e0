"""/services/new and /services/ID/edit: a trigger service in three steps, Select, Configure and Parameters, without a script.

Each step is a form of its own that carries what the others say, so that going back and forth loses nothing.
"""

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import records as accounts
from ringfence.accounts.model import Account
from ringfence.actions import typed
from ringfence.actions.catalogue import discover
from ringfence.actions.polling import ServiceType
from ringfence.apps import making
from ringfence.apps import service as apps
from ringfence.apps.model import Category, Placed
from ringfence.apps.shelf import of_source, shelf
from ringfence.errors import Invalid, Outdated, RingfenceError
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.services import pools, records, service
from ringfence.services.model import Service
from ringfence.storage import Transaction, editions
from ringfence.storage.scope import everywhere
from ringfence.web import overtaken
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

STEPS: Final = ("Select", "Configure", "Parameters")
PREFIX: Final = "p."
"""What the names of a package's parameters begin with in a form."""
_MOST_PARAMETERS: Final = 100
_LONGEST_VALUE: Final = 4_000
_Text = Annotated[str, Form(max_length=4_000)]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the three forms say, as it was typed; `share` is none, all or some."""

    name: str = ""
    app: str = "defender_service"
    pool: str = pools.DEFAULT
    notify: str = ""
    notify_to: str = ""
    max_restarts: str = "3"
    share: str = "none"
    organizations: tuple[str, ...] = ()
    account: str = ""
    interval: str = ""
    history: str = ""
    updates: str = "on"
    start_at_once: str = ""
    parameters: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, found: Service) -> "Wish":
        """Return what a service says of itself."""
        return cls(
            found.name,
            found.source if found.packaged else of_source(found.source).id,
            found.pool,
            "on" if found.notify_to else "",
            " ".join(found.notify_to),
            str(found.max_restarts),
            "all" if found.everybody else "some" if found.shared_with else "none",
            found.shared_with,
            found.account_id,
            found.interval,
            found.history,
            "on" if found.updates else "",
            "on" if found.start_at_once else "",
            tuple(typed.typed_of(found.parameters).items()),
        )

    @property
    def carried(self) -> list[tuple[str, str]]:
        """All of it as fields of a form, by their names."""
        several = ("organizations", "parameters")
        single = [(each.name, getattr(self, each.name)) for each in fields(self) if each.name not in several]
        parameters = ((f"{PREFIX}{name}", value) for name, value in self.parameters)
        return [*single, *(("organizations", each) for each in self.organizations), *parameters]

    @property
    def addresses(self) -> list[str]:
        """The mail addresses that are told when it fails; Invalid if none is given though somebody is to be told."""
        if not self.notify:
            return []
        found = service.addresses(self.notify_to.replace(",", " ").split())
        if not found:
            raise Invalid("Nobody would be told that the service failed.", advice="Give a mail address.")
        return found

    @property
    def restarts(self) -> int:
        """How many failed polls are repeated; Invalid if it is no number."""
        if not self.max_restarts.strip().isdecimal() or len(self.max_restarts.strip()) > 3:
            raise Invalid("The restarts are a number from 0 to 100.")
        return int(self.max_restarts)

    def wanted(self, source: str, declared: ServiceType | None, *, shares: bool) -> service.Wanted:
        """Return it as the service knows it; who may not share it leaves that as it is."""
        return service.Wanted(
            name=self.name,
            source=source,
            parameters=typed.values(declared, dict(self.parameters)) if declared is not None else None,
            interval=self.interval,
            history=self.history,
            start_at_once=bool(self.start_at_once),
            updates=bool(self.updates),
            max_restarts=self.restarts,
            pool=self.pool,
            notify_to=self.addresses,
            everybody=self.share == "all" if shares else None,
            shared_with=(self.organizations if self.share == "some" else ()) if shares else None,
        )


async def _typed(request: Request) -> tuple[tuple[str, str], ...]:
    """Return what was typed into the fields of a package's parameters, which are not known before the app is."""
    form = await request.form()
    found = [(name.removeprefix(PREFIX), value) for name, value in form.multi_items() if name.startswith(PREFIX)]
    if len(found) > _MOST_PARAMETERS:
        raise Invalid(f"A service has at most {_MOST_PARAMETERS} parameters.")
    return tuple((name[:100], value[:_LONGEST_VALUE]) for name, value in found if isinstance(value, str))


def _wish(
    parameters: Annotated[tuple[tuple[str, str], ...], Depends(_typed)],
    name: _Text = "",
    app: _Text = "",
    pool: _Text = "",
    notify: _Text = "",
    notify_to: _Text = "",
    max_restarts: _Text = "3",
    share: _Text = "none",
    organizations: Annotated[list[str] | None, Form()] = None,
    account: _Text = "",
    interval: _Text = "",
    history: _Text = "",
    updates: _Text = "",
    start_at_once: _Text = "",
) -> Wish:
    single = (name, app, pool, notify, notify_to, max_restarts, share)
    return Wish(*single, tuple(organizations or ()), account, interval, history, updates, start_at_once, parameters)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.SERVICE_MANAGE)])
    database, settings, catalogue = services.database, services.settings, discover()
    known = shelf(catalogue)

    async def form(
        request: Request,
        session: SignedIn,
        wish: Wish,
        step: int,
        *,
        service_id: str = "",
        seen: str = "",
        problem: RingfenceError | None = None,
    ) -> Response:
        organization = session.user.organization_id
        shares = who(request).may(Permission.ORGANIZATION_MANAGE)

        def look(tx: Transaction) -> tuple[list[Account], list[Placed], frozenset[str]]:
            mine = [
                each
                for each in apps.listing(tx, known)
                if each.app.category is Category.TRIGGER_SERVICE
                and (each.allows(organization) or each.app.id == wish.app)
            ]
            return accounts.every(tx, organization), mine, pools.living(tx, 2 * settings.dead_after)

        connected, installed, served = await database.read(look)
        others: list[Organization] = []
        if shares:
            with everywhere():
                others = [each for each in await database.read(organizations.every) if each.id != organization]
        declared = catalogue.services.get(wish.app)
        given = dict(wish.parameters) if wish.parameters else None
        context: dict[str, Any] = {
            "packaged": declared is not None,
            "lines": typed.lines(declared, given) if declared is not None else [],
            "prefix": PREFIX,
            "wish": wish,
            "step": step,
            "steps": STEPS,
            "service_id": service_id,
            "seen": seen,
            "accounts": connected,
            "apps": installed,
            "others": others,
            "shares": shares,
            "served": sorted({pools.DEFAULT, *served}),
            "living": served,
            "carried": [(name, value) for name, value in wish.carried if not _shown(step, name)],
            "problem": overtaken.told(problem) if problem else None,
        }
        return pages.render(request, "services/making.html", context, status=problem.status if problem else 200)

    def check(tx: Transaction, organization_id: str, wish: Wish, step: int, service_id: str) -> str:
        """Say what is wrong with one step by raising; return the source that its app reads."""
        app = apps.demand(tx, known, wish.app, organization_id)
        if step == 0:
            name = service.checked_name(wish.name)
            taken = [each for each in records.every(tx, organization_id) if each.name == name and each.id != service_id]
            if taken:
                raise records.name_taken(name)
        if step == 1:
            pools.name(wish.pool)
            assert wish.addresses is not None
            assert wish.restarts is not None
        return app.source

    def save(
        tx: Transaction, organization_id: str, wish: Wish, wanted: service.Wanted, service_id: str, seen: str
    ) -> Service:
        if service_id:
            found = records.locked(tx, service_id, organization_id=organization_id)
            editions.demand(seen, service.edition(found))
            return making.edit(tx, catalogue, known, found, wanted)
        account = wish.account if wanted.source not in catalogue.services else None
        return making.make(
            tx, catalogue, known, organization_id, wish.name, replace(wanted, name=None), account_id=account
        )

    @router.get("/services/new")
    async def new(request: Request, session: SignedIn) -> Response:
        return await form(request, session, Wish(), 0)

    @router.get("/services/{service_id}/edit")
    async def edit(request: Request, session: SignedIn, service_id: str) -> Response:
        organization = session.user.organization_id
        found = await database.read(lambda tx: records.by_id(tx, service_id, organization_id=organization))
        return await form(request, session, Wish.of(found), 0, service_id=service_id, seen=service.edition(found))

    @router.post("/services/making")
    async def go(
        request: Request,
        session: SignedIn,
        wish: Annotated[Wish, Depends(_wish)],
        step: Annotated[int, Form(ge=0, le=2)] = 0,
        go: Annotated[str, Form(max_length=10)] = "next",
        service_id: Annotated[str, Form(max_length=40)] = "",
        seen: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        organization = session.user.organization_id
        if go == "back":
            return await form(request, session, wish, max(step - 1, 0), service_id=service_id, seen=seen)
        at = step
        try:
            if step < len(STEPS) - 1:
                await database.read(lambda tx: check(tx, organization, wish, step, service_id))
                return await form(request, session, wish, step + 1, service_id=service_id, seen=seen)
            for at in range(len(STEPS)):
                source = await database.read(lambda tx: check(tx, organization, wish, at, service_id))  # noqa: B023
            shares = who(request).may(Permission.ORGANIZATION_MANAGE)
            wanted = wish.wanted(source, catalogue.services.get(source), shares=shares)
            made = await database.run(lambda tx: save(tx, organization, wish, wanted, service_id, seen))
        except Outdated as problem:
            now = await database.read(lambda tx: records.by_id(tx, service_id, organization_id=organization))
            seen = service.edition(now)
            return await form(request, session, wish, at, service_id=service_id, seen=seen, problem=problem)
        except RingfenceError as problem:
            return await form(request, session, wish, at, service_id=service_id, seen=seen, problem=problem)
        return RedirectResponse(f"/services/{made.id}", 303)

    return router


_SHOWN: Final = (
    frozenset({"name", "app"}),
    frozenset({"pool", "notify", "notify_to", "max_restarts", "share", "organizations"}),
    frozenset({"account", "interval", "history", "updates", "start_at_once"}),
)
"""Which fields each step asks for."""


def _shown(step: int, name: str) -> bool:
    return name in _SHOWN[step] or (step == len(STEPS) - 1 and name.startswith(PREFIX))
