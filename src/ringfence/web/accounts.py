"""GET /accounts: the connected Defender tenants, whether they work, and when they were asked last."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


@dataclass(frozen=True, slots=True)
class Line:
    """One account, and when it is polled next (None where it is not polled)."""

    account: Account
    next_poll: datetime | None


def _line(account: Account, interval: float) -> Line:
    polled = account.polled_at if account.state is AccountState.HEALTHY else None
    return Line(account, None if polled is None else polled + timedelta(seconds=interval))


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()

    @router.get("/accounts")
    async def listing(request: Request, session: SignedIn) -> Response:
        def look(tx: Transaction) -> tuple[int, list[Account]]:
            return changes.latest(tx), records.every(tx, session.user.organization_id)

        number, found = await services.database.read(look)
        lines = [_line(account, services.settings.poll_interval) for account in found]
        return pages.render(request, "accounts/list.html", {"lines": lines}, live=Live(("account",), number))

    return router
