"""POST /alerts/{id}/change and /alerts/selected: change one alert or a selection in Defender, or promote the selection.

A selection is worked through alert by alert: what Defender refuses for one is said beside it and does not stop the others,
and what was done is listed, because the queue shows it only after the next poll.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.alerts import queue
from ringfence.errors import NotFound
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author
from ringfence.organizations import service as organizations
from ringfence.runs.alert_changes import AlertChange
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, require
from ringfence.storage import Transaction
from ringfence.views.lists import LISTS
from ringfence.views.selection import chosen, work_through
from ringfence.web.rendering import Pages
from ringfence.web.selection import Label, Work, report
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

CLASSIFICATIONS: Final = {
    "TruePositive": "True positive",
    "InformationalExpectedActivity": "Informational, expected activity",
    "FalsePositive": "False positive",
}
DETERMINATIONS: Final = {
    "TruePositive": {
        "MultiStagedAttack": "Multistage attack",
        "MaliciousUserActivity": "Malicious user activity",
        "CompromisedUser": "Compromised account",
        "Malware": "Malware",
        "Phishing": "Phishing",
        "UnwantedSoftware": "Unwanted software",
    },
    "InformationalExpectedActivity": {
        "SecurityTesting": "Security testing",
        "LineOfBusinessApplication": "Line-of-business application",
        "ConfirmedUserActivity": "Confirmed activity",
    },
    "FalsePositive": {"Clean": "Not malicious", "InsufficientData": "Not enough data to validate"},
    "": {"Other": "Other"},
}
"""What Defender's words for alerts are called in its portal, by the classification that they go with."""

Text = Annotated[str, Form(max_length=4_000)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes that work on alerts."""
    router = APIRouter(dependencies=[needs(Permission.ALERT_READ)])
    database = services.database

    async def answer(request: Request, session: SignedIn, ids: list[str], wanted: AlertChange) -> Response:
        here, said = session.user.organization_id, wanted.values()
        organization = await database.read(lambda tx: organizations.get(tx, here))

        async def act(alert_id: str) -> None:
            await services.change_alert(
                organization=organization, alert_id=alert_id, wanted=wanted, by=session.user.name
            )

        outcomes = await work_through(ids, act)
        labels = await database.read(lambda tx: _labels(tx, here, ids))
        note = "The queue shows it after the next poll. No playbook starts because of it."
        return report(request, pages, Work(LISTS["alerts"], "alert", "changed", said, note), outcomes, labels)

    @router.post("/alerts/{alert_id}/change", dependencies=[needs(Permission.ALERT_CHANGE)])
    async def change(
        request: Request,
        session: SignedIn,
        alert_id: str,
        status: Text = "",
        assigned_to: Text = "",
        classification: Text = "",
        determination: Text = "",
        comment: Text = "",
    ) -> Response:
        wanted = _wanted(status, assigned_to, classification, determination, comment)
        return await answer(request, session, [alert_id], wanted)

    @router.post("/alerts/selected")
    async def selected(
        request: Request,
        session: SignedIn,
        asker: Asker,
        picked: Annotated[list[str] | None, Form(alias="id")] = None,
        do: Text = "change",
        status: Text = "",
        assigned_to: Text = "",
        classification: Text = "",
        determination: Text = "",
        comment: Text = "",
    ) -> Response:
        ids = chosen(picked or (), "alert")
        if do == "promote":
            require(asker, Permission.INCIDENT_WORK)
            author, here = Author(session.user.name), session.user.organization_id
            made = await database.run(lambda tx: incidents.promote(tx, here, ids, author))
            return RedirectResponse(f"/incidents/{made.incident.number}", 303)
        require(asker, Permission.ALERT_CHANGE)
        wanted = _wanted(status, assigned_to, classification, determination, comment)
        return await answer(request, session, ids, wanted)

    return router


def _labels(tx: Transaction, organization_id: str, ids: Sequence[str]) -> dict[str, Label]:
    found: dict[str, Label] = {}
    for each in ids:
        with suppress(NotFound):
            row = queue.get(tx, organization_id, each)
            found[each] = Label(row.title, f"/alerts/{row.id}", row.machine_name or "")
    return found


def _wanted(status: str, assigned_to: str, classification: str, determination: str, comment: str) -> AlertChange:
    return AlertChange(
        status=status or None,
        assigned_to=assigned_to.strip() or None,
        classification=classification or None,
        determination=determination or None,
        comment=comment.strip() or None,
    )
