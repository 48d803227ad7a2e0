"""GET /metrics: what monitoring reads, in the text format of Prometheus.

Whoever has the token of the settings reads the figures of all organizations; who is signed in reads those of their own.
Nobody else reads anything: an address says little about who asks, since a proxy on this machine looks like this machine.
"""

import hmac
from collections.abc import Iterable

from fastapi import APIRouter
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from ringfence import clock
from ringfence.accounts import budgets, records
from ringfence.accounts.budgets import Budget
from ringfence.accounts.model import Account
from ringfence.defender import Limits
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.security.rbac import Actor
from ringfence.storage import Transaction
from ringfence.web.services import Services

_REFUSED = (
    "Metrics are for who is signed in, and for monitoring that has the token: set RINGFENCE_METRICS_TOKEN, and send it as "
    "`Authorization: Bearer …`.\n"
)
_ACCOUNT = ["organization", "account"]
_WINDOW = [*_ACCOUNT, "api", "operation", "seconds"]


class _Families(Collector):
    """Figures that were read already."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Give them out."""
        return self._families


def routes(services: Services) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()

    @router.get("/metrics")
    async def metrics(request: Request) -> Response:
        organization_id = None if _has_token(request, services) else _own(request)
        if organization_id == "":
            return PlainTextResponse(_REFUSED, 401, headers={"WWW-Authenticate": "Bearer"})
        found = await services.database.read(lambda tx: _look(tx, organization_id, services.limits))
        registry = CollectorRegistry()
        registry.register(_Families(families(found)))
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    return router


Found = list[tuple[Organization, Account, list[Budget]]]


def families(found: Found) -> list[Metric]:
    """Return the figures of accounts: whether each works, when it was polled, and what is left of its call budgets."""
    healthy = GaugeMetricFamily("ringfence_account_healthy", "1 while the account is proven to work.", labels=_ACCOUNT)
    polled = GaugeMetricFamily(
        "ringfence_account_polled_timestamp_seconds", "When alerts were read last.", labels=_ACCOUNT
    )
    granted = GaugeMetricFamily(
        "ringfence_call_budget_granted", "Calls that are granted within the seconds.", labels=_WINDOW
    )
    spent = GaugeMetricFamily("ringfence_call_budget_spent", "Calls made within the seconds.", labels=_WINDOW)
    left = GaugeMetricFamily(
        "ringfence_call_budget_left", "Calls left, by what they are made for.", labels=[*_WINDOW, "purpose"]
    )
    closed = GaugeMetricFamily(
        "ringfence_call_budget_closed_seconds",
        "Seconds for which a 429 of Microsoft keeps calls back; 0 if they pass.",
        labels=_WINDOW,
    )
    for organization, account, windows in found:
        owner = [organization.name, account.name]
        healthy.add_metric(owner, float(account.usable))
        if account.polled_at is not None:
            polled.add_metric(owner, account.polled_at.timestamp())
        for each in windows:
            labels = [*owner, each.api, each.operation or "", str(each.seconds)]
            granted.add_metric(labels, each.calls)
            spent.add_metric(labels, each.spent)
            for purpose, calls in each.left.items():
                left.add_metric([*labels, purpose], calls)
            waits = (each.closed_until - clock.now()).total_seconds() if each.closed_until else 0.0
            closed.add_metric(labels, max(waits, 0.0))
    return [healthy, polled, granted, spent, left, closed]


def _has_token(request: Request, services: Services) -> bool:
    token = services.settings.metrics_token
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if token is None or scheme.lower() != "bearer":
        return False
    return hmac.compare_digest(given.strip().encode(), token.get_secret_value().encode())


def _own(request: Request) -> str:
    """Return the organization of who is signed in, empty where nobody is."""
    actor: Actor | None = request.state.actor
    return "" if actor is None else actor.organization_id


def _look(tx: Transaction, organization_id: str | None, limits: Limits) -> Found:
    owners = organizations.every(tx) if organization_id is None else [organizations.get(tx, organization_id)]
    return [
        (owner, account, budgets.left(tx, account, limits=limits))
        for owner in owners
        for account in records.every(tx, owner.id)
    ]
