"""GET /: what needs attention now."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.alerts import queue
from ringfence.containment import board
from ringfence.runs import history
from ringfence.security.access import needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_TOPICS = ("alert", "run", "containment", "account")
_OPEN = ("New", "InProgress")
_SHOWN = 6
_FAILING = history.Filters(status=("failed", "partly_failed"))


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows, all read in one transaction."""

    number: int
    severities: dict[str, int]
    containments: board.Counts
    runs: history.Counts
    isolated: tuple[board.Row, ...]
    accounts: list[Account]
    failing: tuple[history.Row, ...]


def _read(tx: Transaction, organization_id: str, vault: Vault) -> Overview:
    return Overview(
        number=changes.latest(tx),
        severities=queue.counts(tx, organization_id, queue.Filters(status=_OPEN)),
        containments=board.counts(tx, organization_id),
        runs=history.counts(tx, organization_id),
        isolated=board.listing(tx, organization_id, live=True, limit=_SHOWN).rows,
        accounts=records.every(tx, organization_id),
        failing=history.listing(tx, organization_id, vault, _FAILING, limit=_SHOWN).rows,
    )


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ORGANIZATION_READ)])
    vault = services.sender.vault

    @router.get("/")
    async def show(request: Request, session: SignedIn) -> Response:
        seen = await services.database.read(lambda tx: _read(tx, session.user.organization_id, vault))
        return pages.render(request, "overview.html", {"seen": seen}, live=Live(_TOPICS, seen.number))

    return router
