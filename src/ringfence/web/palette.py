"""GET /palette: what the command palette finds, pages and deeds first, then the organization's alerts, hosts, runs and so on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.containment import board
from ringfence.incidents import queue as incidents
from ringfence.playbooks import library
from ringfence.runs import history
from ringfence.security.access import Asker, needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Actor, Permission
from ringfence.storage import Transaction
from ringfence.views import saved
from ringfence.views.lists import LISTS
from ringfence.web import menu
from ringfence.web.filters import Search
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

_EACH: Final = 5
_LOOKED_AT: Final = 50
_SHORTEST: Final = 2
"""What is shorter than this finds pages and deeds only: everything has an `e` in it."""


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the palette: where it leads, and what a person reads."""

    address: str
    name: str
    icon: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """Lines under one heading."""

    name: str
    lines: tuple[Found, ...]


_DEEDS: Final = (
    (Permission.CONTAINMENT_CONTAIN, Found("/containment/new", "Contain a host", "shield", "isolate")),
    (
        Permission.RESPONSE_ACT,
        Found("/responses/new", "Carry out a response action", "zap", "scan restrict quarantine"),
    ),
    (Permission.RUN_START, Found("/start", "Start a playbook", "play", "run by hand")),
    (Permission.PLAYBOOK_WRITE, Found("/playbooks/new", "Write a playbook", "pen-line", "new draft")),
    (Permission.PLAYBOOK_READ, Found("/starters", "Take a starter playbook", "book-open", "catalog example")),
    (Permission.POLICY_READ, Found("/policy/explain", "Explain what policy says of a host", "info", "protected why")),
    (Permission.POLICY_STOP, Found("/policy", "Turn the kill switch on or off", "octagon-alert", "freeze stop brakes")),
    (
        Permission.ORGANIZATION_READ,
        Found("/organizations/board", "See all organizations side by side", "layout-dashboard", "board customers"),
    ),
    (Permission.ALERT_READ, Found("/alerts/rejected", "Documents that were not read as alerts", "file", "rejected")),
)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the route of the palette."""
    router = APIRouter(dependencies=[needs(Permission.ORGANIZATION_READ)])
    database, vault = services.database, services.sender.vault

    @router.get("/palette")
    async def find(request: Request, asker: Asker, q: Search = "") -> Response:
        kinds = await database.read(lambda tx: search(tx, asker, vault, q.strip()))
        return pages.render(request, "palette/list.html", {"kinds": kinds, "asked": q.strip()})

    return router


def search(tx: Transaction, asker: Actor, vault: Vault, text: str) -> list[Kind]:
    """Return what `asker` may see of what fits `text`, the most general first; all pages and deeds where it is empty."""
    kinds = [Kind("Pages", tuple(_pages(asker, text))), Kind("Do", tuple(_deeds(asker, text)))]
    kinds.append(Kind("Saved filters", tuple(_filters(tx, asker, text))))
    if len(text) >= _SHORTEST:
        if asker.may(Permission.ALERT_READ):
            # Asked for once: the first alerts are those whose hosts are looked at, too.
            alerts = queue.page(tx, asker.organization_id, queue.Filters(text=text), limit=_LOOKED_AT).alerts
            kinds.append(Kind("Hosts", tuple(_hosts(asker, alerts, text))))
            kinds.append(Kind("Alerts", tuple(_alerts(alerts[:_EACH]))))
        for permission, name, look in (
            (Permission.INCIDENT_READ, "Incidents", _incidents),
            (Permission.CONTAINMENT_READ, "Containments", _containments),
            (Permission.PLAYBOOK_READ, "Playbooks", _playbooks),
        ):
            if asker.may(permission):
                kinds.append(Kind(name, tuple(look(tx, asker, text))))
        if asker.may(Permission.RUN_READ):
            kinds.append(Kind("Executions", tuple(_runs(tx, asker, vault, text))))
    return [each for each in kinds if each.lines]


def _fits(text: str, *words: str) -> bool:
    there = " ".join(words).casefold()
    return all(part in there for part in text.casefold().split())


def _pages(asker: Actor, text: str) -> Iterator[Found]:
    for group in menu.for_actor(asker):
        for each in group.entries:
            if _fits(text, each.name, each.about):
                yield Found(each.address, each.name, each.icon, f"g {each.key}" if each.key else "")


def _deeds(asker: Actor, text: str) -> Iterator[Found]:
    for permission, deed in _DEEDS:
        if asker.may(permission) and _fits(text, deed.name, deed.detail):
            yield Found(deed.address, deed.name, deed.icon)


def _filters(tx: Transaction, asker: Actor, text: str) -> Iterator[Found]:
    found = [
        each for each in saved.visible(tx, asker) if _fits(text, each.name, LISTS[each.list].title, "saved filter")
    ]
    for each in found[:_EACH]:
        kind = LISTS[each.list]
        yield Found(each.address, each.name, kind.icon, kind.title if each.mine else f"{kind.title} · {each.owner}")


def _hosts(asker: Actor, alerts: Sequence[Alert], text: str) -> Iterator[Found]:
    seen = set[str]()
    for row in alerts:
        name = row.machine_name or ""
        if not row.machine_id or row.machine_id in seen or not _fits(text, name) or len(seen) == _EACH:
            continue
        seen.add(row.machine_id)
        yield Found(f"/alerts?{urlencode({'q': name})}", name, "monitor", "its alerts")
        if asker.may(Permission.CONTAINMENT_CONTAIN):
            target = urlencode({"target": row.machine_id, "account": row.account})
            yield Found(f"/containment/new?{target}", f"Contain {name}", "shield", row.account)


def _alerts(alerts: Sequence[Alert]) -> Iterator[Found]:
    for row in alerts:
        said = " · ".join(filter(None, (row.severity, row.machine_name, row.alert_id)))
        yield Found(f"/alerts/{row.id}", row.title, "bell", said)


def _incidents(tx: Transaction, asker: Actor, text: str) -> Iterator[Found]:
    wanted = incidents.Filters(text=text.removeprefix("#"))
    for row in incidents.page(tx, asker.organization_id, wanted, limit=_EACH).rows:
        said = f"{row.incident.severity} · {row.incident.owner or 'no owner'}"
        yield Found(
            f"/incidents/{row.incident.number}", f"#{row.incident.number} {row.incident.title}", "shield-alert", said
        )


def _containments(tx: Transaction, asker: Actor, text: str) -> Iterator[Found]:
    for row in board.listing(tx, asker.organization_id, text=text, limit=_EACH).rows:
        said = row.state.value.replace("_", " ")
        yield Found(f"/containment/{row.id}", row.name, "shield-check", said)


def _playbooks(tx: Transaction, asker: Actor, text: str) -> Iterator[Found]:
    found = [each for each in library.every(tx, asker.organization_id) if _fits(text, each.name)]
    for each in found[:_EACH]:
        yield Found(f"/playbooks/{each.id}", each.name, "workflow", f"{each.version} · {each.state.value}")


def _runs(tx: Transaction, asker: Actor, vault: Vault, text: str) -> Iterator[Found]:
    for row in history.listing(tx, asker.organization_id, vault, history.Filters(text=text), limit=_EACH).rows:
        said = " · ".join(filter(None, (row.status.replace("_", " "), row.machine_name)))
        yield Found(f"/executions/{row.id}", f"{row.playbook_name} {row.version}", "play", said)
