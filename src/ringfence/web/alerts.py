"""/alerts: the queue, and one alert with its evidence, versions and runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.alerts import queue
from ringfence.alerts.model import Alert, AlertVersion, RejectedAlert
from ringfence.containment import board
from ringfence.incidents import queue as incidents
from ringfence.incidents import suggestions
from ringfence.incidents.model import Incident
from ringfence.runs import history
from ringfence.security.access import Asker, needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.triggers.registry import Registry
from ringfence.triggers.why import Why, explain
from ringfence.web import alert_facts, evidence, evidence_graph, json_view, views, words
from ringfence.web.alert_work import CLASSIFICATIONS, DETERMINATIONS
from ringfence.web.filters import Cursor, Search, more_address
from ringfence.web.listing_csv import PIECE, AsCsv, Columns, download
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn
from ringfence.web.words import Sign

_SHOWN = 100
# What the filter bar offers; others are offered where they were asked for by address.
_SEVERITIES = ("High", "Medium", "Low", "Informational")
_STATUSES = ("New", "InProgress", "Resolved")
_COLUMNS: Columns = {
    "alert_id": lambda row: row.alert_id,
    "title": lambda row: row.title,
    "severity": lambda row: row.severity,
    "status": lambda row: row.status,
    "category": lambda row: row.category,
    "machine_name": lambda row: row.machine_name,
    "machine_id": lambda row: row.machine_id,
    "account": lambda row: row.account,
    "assigned_to": lambda row: row.assigned_to,
    "incident_id": lambda row: row.incident_id,
    "event_at": lambda row: row.event_at,
    "created_at": lambda row: row.created_at,
    "updated_at": lambda row: row.updated_at,
    "ingested_at": lambda row: row.ingested_at,
    "id": lambda row: row.id,
}


@dataclass(frozen=True, slots=True)
class _Queue:
    number: int
    found: queue.Look
    rejected: int


@dataclass(frozen=True, slots=True)
class _One:
    number: int
    alert: Alert
    present: AlertVersion
    why: Why
    runs: tuple[history.Row, ...]
    containments: tuple[board.Row, ...]
    incidents: tuple[Incident, ...]
    related: tuple[Incident, ...]


def _read_one(tx: Transaction, organization_id: str, alert_id: str, registry: Registry, vault: Vault) -> _One:
    number = changes.latest(tx)
    alert = queue.get(tx, organization_id, alert_id)
    return _One(
        number=number,
        alert=alert,
        present=queue.read_version(tx, organization_id, alert),
        why=explain(tx, organization_id, alert, registry),
        runs=history.listing(tx, organization_id, vault, history.Filters(alert_id=alert.id)).rows,
        containments=board.listing(tx, organization_id, alert_id=alert.id).rows,
        incidents=tuple(incidents.of_alerts(tx, organization_id, [alert.id]).get(alert.id, ())),
        related=tuple(suggestions.incidents_for(tx, organization_id, [alert])),
    )


def _offered(signs: Mapping[str, Sign], usual: Sequence[str], chosen: Sequence[str]) -> dict[str, Sign]:
    return {value: shown for value, shown in signs.items() if value in usual or value in chosen}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.ALERT_READ)])
    database, registry, vault = services.database, Registry(), services.sender.vault

    @router.get("/alerts")
    async def listing(
        request: Request,
        session: SignedIn,
        asker: Asker,
        severity: Annotated[list[str] | None, Query()] = None,
        status: Annotated[list[str] | None, Query()] = None,
        category: str = "",
        q: Search = "",
        cursor: Cursor = None,
        as_csv: AsCsv = "",
    ) -> Response:
        view = await views.look(request, database, asker, "alerts")
        if view.leads:
            return RedirectResponse(view.leads, 303)
        wanted = queue.Filters(
            severity=[each for each in severity or () if each],
            status=[each for each in status or () if each],
            category=[category] if category else [],
            text=q.strip(),
        )
        organization = session.user.organization_id

        def fetch(tx: Transaction, at: str | None) -> tuple[list[Alert], str | None]:
            piece = queue.page(tx, organization, wanted, limit=PIECE, cursor=at)
            return piece.alerts, piece.cursor

        if as_csv:
            return download(database, "alerts", view.heads(_COLUMNS, as_csv), fetch)

        def look(tx: Transaction) -> _Queue:
            return _Queue(
                number=changes.latest(tx),
                found=queue.look(tx, organization, wanted, limit=_SHOWN, cursor=cursor),
                rejected=queue.count_rejected(tx, organization),
            )

        found = await database.read(look)
        context = {
            "view": view,
            "wanted": wanted,
            "filtered": bool(wanted.severity or wanted.status or wanted.category or wanted.text),
            "rows": found.found.page.alerts,
            "total": found.found.total,
            "reach": found.found.reach,
            "category": category,
            "categories": sorted({*words.CATEGORIES, category} - {""}),
            "severities": _offered(words.SEVERITIES, _SEVERITIES, wanted.severity),
            "statuses": _offered(words.ALERT_STATUSES, _STATUSES, wanted.status),
            "more": more_address(request, found.found.page.cursor),
            "later": cursor is not None,
            "classifications": CLASSIFICATIONS,
            "determinations": DETERMINATIONS,
            "rejected": found.rejected,
        }
        live = Live(("alert", "rejected_alert"), found.number)
        return pages.render(request, "alerts/queue.html", context, live=live)

    @router.get("/alerts/rejected")
    async def rejected(request: Request, session: SignedIn) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, int, list[RejectedAlert]]:
            found = queue.rejected(tx, organization, limit=_SHOWN)
            return changes.latest(tx), queue.count_rejected(tx, organization), found

        number, total, rows = await database.read(look)
        shown = [(row, json_view.tree(row.document)) for row in rows]
        context = {"rows": shown, "total": total}
        return pages.render(request, "alerts/rejected.html", context, live=Live(("rejected_alert",), number))

    @router.get("/alerts/{alert_id}")
    async def one(request: Request, session: SignedIn, alert_id: str, show: Literal["all"] | None = None) -> Response:
        found = await database.read(lambda tx: _read_one(tx, session.user.organization_id, alert_id, registry, vault))
        # Alerts of Graph have names of their own: facts and evidence are read from the form that all sources share.
        document = found.present.document
        pieces = evidence.read(document)
        most = None if show == "all" else evidence_graph.SHOWN
        graph = evidence_graph.draw(pieces.items, found.alert.machine_name or "", most)
        context = {
            "row": found.alert,
            "why": found.why,
            "facts": alert_facts.read(document),
            "evidence": pieces,
            "graph": graph,
            "pieces": evidence.only(pieces.items, graph.numbers) if graph else (),
            "raw": json_view.tree(found.present.raw),
            "runs": found.runs,
            "containments": found.containments,
            "incidents": found.incidents,
            "related": found.related,
            "classifications": CLASSIFICATIONS,
            "determinations": DETERMINATIONS,
        }
        live = Live((f"alert:{found.alert.id}", "run", "containment", "incident"), found.number)
        return pages.render(request, "alerts/one.html", context, live=live)

    return router
