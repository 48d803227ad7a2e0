"""/accounts: the connected Defender tenants; /accounts/ID: one of them, what it needs, has and does, and what people change."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence import clock
from ringfence.accounts import budgets, credentials, records
from ringfence.accounts.budgets import Budget
from ringfence.accounts.credentials import Beside
from ringfence.accounts.model import Account
from ringfence.accounts.permissions import API_NAMES, FEATURES
from ringfence.accounts.picture import Picture, picture
from ringfence.accounts.service import Accounts
from ringfence.containment import sensor
from ringfence.defender import CLOUDS
from ringfence.errors import NotFound, Outdated, RingfenceError
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import overtaken
from ringfence.web.account_wizard import Text, day
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Line:
    """One account, and when it is polled next (None where it is not polled)."""

    account: Account
    next_poll: datetime | None
    budgets: list[Budget]
    beside: Beside | None


APIS = {"mde": "Defender for Endpoint", "xdr": "Defender XDR", "graph": "Microsoft Graph"}
SPANS = {60: "minute", 3600: "hour"}
EVENTS = {
    "account:added": "Connected",
    "account:renewed": "New credential in use",
    "account:proven": "Proven to work",
    "account:degraded": "Degraded",
    "account:failed": "Failed",
    "account:enabled": "Switched on",
    "account:disabled": "Switched off",
    "account:changed": "Changed",
    "account:credential_added": "Second credential added",
    "account:credential_removed": "Second credential removed",
}
SOON = timedelta(days=30)


def _line(account: Account, interval: float, left: list[Budget], beside: Beside | None) -> Line:
    polled = account.polled_at if account.usable else None
    # An API that nobody calls has nothing to tell.
    shown = [each for each in left if each.api == "mde" or each.spent or each.closed_until]
    return Line(account, None if polled is None else polled + timedelta(seconds=interval), shown, beside)


@dataclass(frozen=True, slots=True)
class Changed:
    """What is in the form that changes an account; `seen` is the edition that it was opened with."""

    name: str
    features: tuple[str, ...]
    expires_on: str
    seen: str

    @classmethod
    def of(cls, account: Account) -> "Changed":
        """Return what an account says of itself."""
        ends = account.secret_expires_on
        return cls(account.name, tuple(account.features), ends.isoformat() if ends else "", records.edition(account))


def days_left(ends: date | None) -> int | None:
    """Return the days until a credential's last day, negative when it is over; None where that is not known."""
    return None if ends is None else (ends - clock.now().date()).days


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.ACCOUNT_READ)])
    manage = [needs(Permission.ACCOUNT_MANAGE)]
    database = services.database

    @router.get("/accounts")
    async def listing(request: Request, session: SignedIn) -> Response:
        def look(tx: Transaction) -> tuple[int, list[Line]]:
            organization, interval = session.user.organization_id, services.settings.poll_interval
            beside = credentials.all_of(tx, organization)
            return changes.latest(tx), [
                _line(account, interval, budgets.left(tx, account, limits=services.limits), beside.get(account.id))
                for account in records.every(tx, organization)
            ]

        number, lines = await database.read(look)
        shown = {"lines": lines, "apis": APIS, "spans": SPANS, "days_left": days_left}
        return pages.render(request, "accounts/list.html", shown, live=Live(("account",), number))

    async def show(
        request: Request,
        session: SignedIn,
        account_id: str,
        problem: RingfenceError | None = None,
        changed: Changed | None = None,
    ) -> Response:
        async with services.accounts() as accounts:
            wishes = accounts.wishes

        def look(tx: Transaction) -> tuple[int, Picture, list[Budget]]:
            found = picture(tx, account_id, wishes, organization_id=session.user.organization_id)
            left = budgets.left(tx, found.account, limits=services.limits)
            return changes.latest(tx), found, [each for each in left if each.api == "mde" or each.spent]

        number, seen, left = await database.read(look)
        context = {
            "seen": seen,
            "account": seen.account,
            "beside": seen.beside,
            "budgets": left,
            "apis": APIS,
            "api_names": API_NAMES,
            "spans": SPANS,
            "features": FEATURES,
            "clouds": CLOUDS,
            "events": EVENTS,
            "days_left": days_left,
            "changed": changed or Changed.of(seen.account),
            "problem": overtaken.told(problem) if problem else None,
        }
        topics = (f"account:{account_id}", "service")
        status = problem.status if problem is not None else 200
        return pages.render(request, "accounts/one.html", context, live=Live(topics, number), status=status)

    @router.get("/accounts/{account_id}")
    async def one(request: Request, session: SignedIn, account_id: str) -> Response:
        return await show(request, session, account_id)

    async def find(session: SignedIn, account_id: str) -> Account:
        organization = session.user.organization_id
        return await database.read(lambda tx: records.by_id(tx, account_id, organization_id=organization))

    @router.post("/accounts/{account_id}/{do}", dependencies=manage)
    async def act(
        request: Request,
        session: SignedIn,
        account_id: str,
        do: Literal["test", "disable", "enable", "contain", "remove"],
    ) -> Response:
        account = await find(session, account_id)
        try:
            async with services.accounts() as accounts:
                await _act(services, accounts, account, do, by=session.user.name)
        except NotFound:
            raise
        except RingfenceError as problem:
            return await show(request, session, account_id, problem)
        return RedirectResponse("/accounts" if do == "remove" else f"/accounts/{account_id}", 303)

    @router.post("/accounts/{account_id}", dependencies=manage)
    async def change(
        request: Request,
        session: SignedIn,
        account_id: str,
        name: Text = "",
        feature: Annotated[Sequence[str], Form()] = (),
        expires_on: Text = "",
        seen: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        account = await find(session, account_id)
        typed = Changed(name, tuple(feature), expires_on, seen)
        try:
            ends = day(expires_on) if account.certificate_thumbprint is None else None
            async with services.accounts() as accounts:
                await accounts.change(
                    account.organization_id, account.name, rename=name, features=feature, expires_on=ends, seen=seen
                )
        except Outdated as problem:
            now = records.edition(await find(session, account_id))
            return await show(request, session, account_id, problem, replace(typed, seen=now))
        except RingfenceError as problem:
            return await show(request, session, account_id, problem, typed)
        return RedirectResponse(f"/accounts/{account_id}", 303)

    return router


async def _act(services: Services, accounts: Accounts, account: Account, do: str, *, by: str) -> None:
    organization = account.organization_id
    match do:
        case "test":
            await accounts.test(organization, account.name)
        case "disable":
            await accounts.disable(organization, account.name)
        case "enable":
            await accounts.enable(organization, account.name)
        case "contain":
            await services.database.run(lambda tx: sensor.choose(tx, organization, account.name, replace=True, by=by))
        case _:
            await services.database.run(lambda tx: records.remove(tx, account))
