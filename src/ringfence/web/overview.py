"""GET /: what needs attention now."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence import clock
from ringfence.accounts import budgets, records
from ringfence.accounts.budgets import Budget
from ringfence.accounts.model import Account, AccountState
from ringfence.alerts import queue
from ringfence.containment import board, times
from ringfence.runs import history
from ringfence.security.access import Asker, needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Actor, Permission
from ringfence.services import records as services_of
from ringfence.services.model import Service, ServiceState
from ringfence.storage import Transaction, changes
from ringfence.web import charts, first_steps
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services

_TOPICS = ("alert", "run", "containment", "account", "service", "playbook", "channel", "drill")
_OPEN = ("New", "InProgress")
_SHOWN = 6
_DAYS = 30
_TROUBLED = (ServiceState.DEGRADED, ServiceState.FAILED)
_FAILING = history.Filters(status=("failed", "partly_failed"))


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows, all read in one transaction."""

    number: int
    severities: dict[str, int]
    containments: board.Counts
    runs: history.Counts
    isolated: tuple[board.Row, ...]
    times: times.Times
    accounts: list[Account]
    budgets: dict[str, Budget]
    services: list[Service]
    failing: tuple[history.Row, ...]
    steps: tuple[first_steps.Step, ...]

    @property
    def rehearsed(self) -> bool:
        """Whether what leads to a contained host is done, and what is left are choices."""
        return any(each.done and each.address == "/drills" for each in self.steps)


def _tightest(tx: Transaction, account: Account) -> Budget | None:
    """Return the window of an account's budget of which the largest share is spent, None where nothing was called lately."""
    if account.state is AccountState.DISABLED:
        return None
    found = [each for each in budgets.left(tx, account) if each.spent or each.closed_until]
    return max(found, key=lambda each: (each.closed_until is not None, each.spent / each.calls), default=None)


def _read(tx: Transaction, asker: Actor, vault: Vault) -> Overview:
    organization_id = asker.organization_id
    accounts = records.every(tx, organization_id)
    return Overview(
        number=changes.latest(tx),
        severities=queue.counts(tx, organization_id, _OPEN),
        containments=board.counts(tx, organization_id),
        runs=history.counts(tx, organization_id),
        isolated=board.listing(tx, organization_id, live=True, limit=_SHOWN).rows,
        times=times.times(tx, organization_id, days=_DAYS),
        accounts=accounts,
        budgets={each.id: tightest for each in accounts if (tightest := _tightest(tx, each)) is not None},
        services=[each for each in services_of.every(tx, organization_id) if each.enabled and each.state in _TROUBLED],
        failing=history.listing(tx, organization_id, vault, _FAILING, limit=_SHOWN).rows,
        steps=first_steps.read(tx, asker),
    )


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ORGANIZATION_READ)])
    vault = services.sender.vault

    @router.get("/")
    async def show(request: Request, asker: Asker) -> Response:
        seen = await services.database.read(lambda tx: _read(tx, asker, vault))
        context = {
            "seen": seen,
            "chart": charts.spreads(seen.times.days),
            "now": clock.now(),
            "simulated": services.simulated is not None,
        }
        return pages.render(request, "overview.html", context, live=Live(_TOPICS, seen.number))

    return router
