"""/webhooks: webhooks in. Addresses at which signed messages start playbooks, and what became of each message."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid, RingfenceError
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.answers import LONGEST
from ringfence.listeners.refusals import SAID, Reason, Refusal, RefusedOnDay
from ringfence.listeners.webhooks import Delivery, Webhook
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.library import StoredPlaybook
from ringfence.playbooks.triggers import WebhookTrigger
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.triggers.listening import Listening
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=2_000)]
_SHOWN: Final = 20
_REFUSED: Final = 10
KEEPS: Final = ("24 h", "1 h", "7 d", "0")
"""How long the secrets before a new one stay valid; the first is proposed."""


@dataclass(frozen=True, slots=True)
class Told:
    """What is shown once: a new secret, and until when the ones before it count."""

    name: str
    address: str
    secret: str
    old_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook with the playbooks that listen to it, each with whether it is paused, and what came last."""

    webhook: Webhook
    address: str
    playbooks: tuple[tuple[StoredPlaybook, bool], ...]
    deliveries: list[Delivery]
    refusals: list[Refusal]
    refused: list[RefusedOnDay]

    @property
    def counts(self) -> list[tuple[Reason, int, int]]:
        """How many were refused in all for each reason, the most first, and how many of these were only counted."""
        every: dict[Reason, tuple[int, int]] = {}
        for day in self.refused:
            refused, dropped = every.get(day.reason, (0, 0))
            every[day.reason] = (refused + day.refused, dropped + day.dropped)
        return sorted(((reason, *many) for reason, many in every.items()), key=lambda each: (-each[1], each[0]))

    @property
    def state(self) -> str:
        """How it stands: whether it is off, whether anybody can sign for it, and whether anybody listens."""
        if not self.webhook.enabled:
            return "off"
        if not self.webhook.secrets:
            return "deaf"
        if not self.playbooks:
            return "unheard"
        return "paused" if all(paused for _, paused in self.playbooks) else "on"


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.WEBHOOK_READ)])
    manage = [needs(Permission.WEBHOOK_MANAGE)]
    database, sender = services.database, services.sender
    listening = Listening()

    def hooks(tx: Transaction, organization: str) -> list[Hook]:
        listeners = listening.of(tx, organization, WebhookTrigger)
        return [
            Hook(
                each,
                f"{sender.address}{each.path}",
                tuple((one.playbook, one.paused) for one in listeners if one.trigger.hook == each.name),
                webhooks.deliveries(tx, each, limit=_SHOWN),
                refusals.newest(tx, each.id, limit=_REFUSED),
                refusals.by_day(tx, each.id),
            )
            for each in webhooks.every(tx, organization)
        ]

    async def show(
        request: Request,
        session: SignedIn,
        problem: RingfenceError | None = None,
        values: dict[str, str] | None = None,
        told: Told | None = None,
    ) -> Response:
        organization = session.user.organization_id
        number, found = await database.read(lambda tx: (changes.latest(tx), hooks(tx, organization)))
        context: dict[str, Any] = {"found": found, "problem": problem, "told": told, "values": values or {}}
        context |= {"keeps": KEEPS, "longest": LONGEST, "reasons": SAID, "most": refusals.MOST}
        # A page that tells a secret is not fetched again behind the reader's back.
        live = Live(("webhook", "playbook"), number) if told is None else None
        status = problem.status if problem else 200
        return pages.render(request, "webhooks/list.html", context, live=live, status=status)

    async def attempt(request: Request, session: SignedIn, work: Callable[[Transaction], object]) -> Response:
        try:
            await database.run(work)
        except RingfenceError as problem:
            return await show(request, session, problem)
        return RedirectResponse("/webhooks", 303)

    @router.get("/webhooks")
    async def overview(request: Request, session: SignedIn) -> Response:
        return await show(request, session)

    @router.post("/webhooks", dependencies=manage)
    async def make(request: Request, session: SignedIn, name: Text = "", answer_within: Text = "0") -> Response:
        by = session.user
        try:
            seconds = _seconds(answer_within)
            made, secret = await database.run(
                lambda tx: webhooks.add(tx, sender.vault, by.organization_id, name, by.name, answer_within=seconds)
            )
        except RingfenceError as problem:
            return await show(request, session, problem, {"name": name, "answer_within": answer_within})
        return await show(request, session, told=Told(made.name, f"{sender.address}{made.path}", secret))

    @router.post("/webhooks/{webhook}/rotate", dependencies=manage)
    async def rotate(request: Request, session: SignedIn, webhook: str, keep: Text = KEEPS[0]) -> Response:
        by = session.user
        try:
            span = _span(keep)
            found, secret, until = await database.run(
                lambda tx: webhooks.rotate(tx, sender.vault, by.organization_id, webhook, keep=span)
            )
        except RingfenceError as problem:
            return await show(request, session, problem)
        told = Told(found.name, f"{sender.address}{found.path}", secret, until)
        return await show(request, session, told=told)

    @router.post("/webhooks/{webhook}/answers", dependencies=manage)
    async def answers(request: Request, session: SignedIn, webhook: str, answer_within: Text = "") -> Response:
        by = session.user

        def work(tx: Transaction) -> Webhook:
            return webhooks.wait_for_answers(tx, by.organization_id, webhook, _seconds(answer_within))

        return await attempt(request, session, work)

    @router.post("/webhooks/{webhook}/switch", dependencies=manage)
    async def switch(request: Request, session: SignedIn, webhook: str, on: Text = "") -> Response:
        by, enabled = session.user, on == "yes"
        return await attempt(
            request, session, lambda tx: webhooks.switch(tx, by.organization_id, webhook, enabled=enabled)
        )

    @router.post("/webhooks/{webhook}/remove", dependencies=manage)
    async def remove(request: Request, session: SignedIn, webhook: str) -> Response:
        by = session.user
        return await attempt(request, session, lambda tx: webhooks.remove(tx, by.organization_id, webhook))

    return router


def _seconds(text: str) -> float:
    try:
        return float(text.strip() or "0")
    except ValueError:
        raise Invalid("This is no number of seconds.", advice=f"Give 0 to {LONGEST:g}.") from None


def _span(text: str) -> timedelta:
    if text not in KEEPS:
        raise Invalid("This is none of the times that can be chosen.", advice=f"Choose one of {', '.join(KEEPS)}.")
    return timedelta(0) if text == "0" else Duration.parse(text).timedelta
