"""GET /accounts: the connected Defender tenants, whether they work, when they were asked last, and what they still grant."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence.accounts import budgets, records
from ringfence.accounts.budgets import Budget
from ringfence.accounts.model import Account, AccountState
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Line:
    """One account, and when it is polled next (None where it is not polled)."""

    account: Account
    next_poll: datetime | None
    budgets: list[Budget]


APIS = {"mde": "Defender for Endpoint", "xdr": "Defender XDR", "graph": "Microsoft Graph"}
SPANS = {60: "minute", 3600: "hour"}


def _line(account: Account, interval: float, left: list[Budget]) -> Line:
    polled = account.polled_at if account.state is AccountState.HEALTHY else None
    # An API that nobody calls has nothing to tell.
    shown = [each for each in left if each.api == "mde" or each.spent or each.closed_until]
    return Line(account, None if polled is None else polled + timedelta(seconds=interval), shown)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ACCOUNT_READ)])

    @router.get("/accounts")
    async def listing(request: Request, session: SignedIn) -> Response:
        def look(tx: Transaction) -> tuple[int, list[Line]]:
            interval = services.settings.poll_interval
            return changes.latest(tx), [
                _line(account, interval, budgets.left(tx, account, limits=services.limits))
                for account in records.every(tx, session.user.organization_id)
            ]

        number, lines = await services.database.read(look)
        shown = {"lines": lines, "apis": APIS, "spans": SPANS}
        return pages.render(request, "accounts/list.html", shown, live=Live(("account",), number))

    return router
