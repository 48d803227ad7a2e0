"""/subscriptions: webhooks out. Which systems are told of changes, and what was sent to them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import RingfenceError
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.subscriptions import records
from ringfence.subscriptions.model import NOUNS, Message, State, Subscription, demand_address
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=2_000)]
_SHOWN: Final = 20
_KEEP: Final = timedelta(hours=24)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.WEBHOOK_READ)])
    manage = [needs(Permission.WEBHOOK_MANAGE)]
    database, sender = services.database, services.sender

    async def show(
        request: Request,
        session: SignedIn,
        problem: RingfenceError | None = None,
        values: dict[str, str] | None = None,
        told: tuple[str, str] | None = None,
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, list[tuple[Subscription, list[Message]]]]:
            found = records.every(tx, organization)
            return changes.latest(tx), [(each, records.sent(tx, each, limit=_SHOWN)) for each in found]

        number, found = await database.read(look)
        context: dict[str, Any] = {"found": found, "nouns": NOUNS, "problem": problem, "told": told}
        context["values"] = values or {}
        status = problem.status if problem else 200
        # A page that tells a secret is not fetched again behind the reader's back.
        live = Live(("subscription",), number) if told is None else None
        return pages.render(request, "subscriptions/list.html", context, live=live, status=status)

    async def attempt(request: Request, session: SignedIn, work: Callable[[Transaction], object]) -> Response:
        try:
            await database.run(work)
        except RingfenceError as problem:
            return await show(request, session, problem)
        return RedirectResponse("/subscriptions", 303)

    @router.get("/subscriptions")
    async def overview(request: Request, session: SignedIn) -> Response:
        return await show(request, session)

    @router.post("/subscriptions", dependencies=manage)
    async def make(
        request: Request, session: SignedIn, name: Text = "", address: Text = "", events: Text = ""
    ) -> Response:
        by, wanted = session.user, events.replace(",", " ").split()
        try:
            checked = demand_address(address, sender.allowed)
            made, secret = await database.run(
                lambda tx: records.add(tx, sender.vault, by.organization_id, name, checked, wanted, by=by.name)
            )
        except RingfenceError as problem:
            return await show(request, session, problem, {"name": name, "address": address, "events": events})
        return await show(request, session, told=(made.name, secret))

    @router.post("/subscriptions/{subscription}/rotate", dependencies=manage)
    async def rotate(request: Request, session: SignedIn, subscription: str) -> Response:
        by = session.user
        try:
            found, secret, _ = await database.run(
                lambda tx: records.rotate(tx, sender.vault, by.organization_id, subscription, keep=_KEEP, by=by.name)
            )
        except RingfenceError as problem:
            return await show(request, session, problem)
        return await show(request, session, told=(found.name, secret))

    @router.post("/subscriptions/{subscription}/switch", dependencies=manage)
    async def switch(request: Request, session: SignedIn, subscription: str, on: Text = "") -> Response:
        by, state = session.user, State.ON if on == "yes" else State.PAUSED
        return await attempt(
            request,
            session,
            lambda tx: records.change(tx, by.organization_id, subscription, by=by.name, state=state),
        )

    @router.post("/subscriptions/{subscription}/test", dependencies=manage)
    async def try_(request: Request, session: SignedIn, subscription: str) -> Response:
        by = session.user
        return await attempt(request, session, lambda tx: records.try_out(tx, by.organization_id, subscription))

    @router.post("/subscriptions/{subscription}/messages/{message_id}/redeliver", dependencies=manage)
    async def redeliver(request: Request, session: SignedIn, subscription: str, message_id: str) -> Response:
        by = session.user
        return await attempt(
            request,
            session,
            lambda tx: records.again(tx, by.organization_id, subscription, message_id, by=by.name),
        )

    @router.post("/subscriptions/{subscription}/remove", dependencies=manage)
    async def remove(request: Request, session: SignedIn, subscription: str) -> Response:
        by = session.user
        return await attempt(
            request, session, lambda tx: records.remove(tx, by.organization_id, subscription, by=by.name)
        )

    return router
