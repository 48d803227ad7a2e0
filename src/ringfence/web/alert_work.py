"""POST /alerts/{id}/change and /alerts/selected: change one alert or a selection in Defender, or promote the selection.

A selection is worked through alert by alert: what Defender refuses for one is said beside it and does not stop the others,
and what was done is listed, because the queue shows it only after the next poll.
"""

from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.alerts import queue
from ringfence.alerts.model import Alert
from ringfence.errors import Invalid, NotFound, RingfenceError, Unavailable
from ringfence.incidents import service as incidents
from ringfence.incidents.model import Author
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.runs.alert_changes import AlertChange
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, require
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

MOST: Final = 100
"""So many alerts are changed at once: each costs a call of the tenant's budget."""

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


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one alert of a selection: the alert where it is known, and why it was not changed."""

    alert_id: str
    alert: Alert | None
    problem: RingfenceError | None = None


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes that work on alerts."""
    router = APIRouter(dependencies=[needs(Permission.ALERT_READ)])
    database = services.database

    async def carry_out(organization: Organization, ids: list[str], wanted: AlertChange, by: str) -> list[Outcome]:
        wanted.values()
        done: list[Outcome] = []
        stopped: Unavailable | None = None
        for alert_id in ids:
            try:
                if stopped is not None:
                    raise stopped
                changed = await services.change_alert(
                    organization=organization, alert_id=alert_id, wanted=wanted, by=by
                )
                done.append(Outcome(alert_id, changed))
            except RingfenceError as problem:
                # What is away for one alert is away for all: nobody waits a hundred times for the same refusal.
                stopped = problem if isinstance(problem, Unavailable) else stopped
                known = await database.read(partial(_known, organization_id=organization.id, alert_id=alert_id))
                done.append(Outcome(alert_id, known, problem))
        return done

    async def answer(request: Request, session: SignedIn, ids: list[str], wanted: AlertChange) -> Response:
        here = session.user.organization_id
        organization = await database.read(lambda tx: organizations.get(tx, here))
        outcomes = await carry_out(organization, ids, wanted, session.user.name)
        context = {
            "outcomes": outcomes,
            "changed": sum(each.problem is None for each in outcomes),
            "wanted": wanted.values(),
        }
        failed = [each.problem for each in outcomes if each.problem is not None]
        status = failed[0].status if len(failed) == len(outcomes) and failed else 200
        return pages.render(request, "alerts/changed.html", context, status=status)

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
        alert: Annotated[list[str] | None, Form()] = None,
        do: Text = "change",
        status: Text = "",
        assigned_to: Text = "",
        classification: Text = "",
        determination: Text = "",
        comment: Text = "",
    ) -> Response:
        ids = list(dict.fromkeys(alert or ()))
        if not 1 <= len(ids) <= MOST:
            raise Invalid(
                f"{len(ids)} alerts are selected.", advice=f"Select 1 to {MOST} alerts, by the boxes before them."
            )
        if do == "promote":
            require(asker, Permission.INCIDENT_WORK)
            author, here = Author(session.user.name), session.user.organization_id
            made = await database.run(lambda tx: incidents.promote(tx, here, ids, author))
            return RedirectResponse(f"/incidents/{made.incident.number}", 303)
        require(asker, Permission.ALERT_CHANGE)
        wanted = _wanted(status, assigned_to, classification, determination, comment)
        return await answer(request, session, ids, wanted)

    return router


def _known(tx: Transaction, organization_id: str, alert_id: str) -> Alert | None:
    try:
        return queue.get(tx, organization_id, alert_id)
    except NotFound:
        return None


def _wanted(status: str, assigned_to: str, classification: str, determination: str, comment: str) -> AlertChange:
    return AlertChange(
        status=status or None,
        assigned_to=assigned_to.strip() or None,
        classification=classification or None,
        determination=determination or None,
        comment=comment.strip() or None,
    )
