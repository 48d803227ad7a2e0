"""/notifications: where people are told, whether that works, what they were told; make, test and remove channels."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid, RingfenceError
from ringfence.notifications import channels, outbox
from ringfence.notifications.channels import Channel
from ringfence.notifications.delivery import try_out
from ringfence.notifications.events import KINDS
from ringfence.notifications.outbox import Entry
from ringfence.notifications.shapes import new_channel
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_SHOWN = 100


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.NOTIFICATION_READ)])
    database, sender = services.database, services.sender

    async def show(
        request: Request, session: SignedIn, *, problem: RingfenceError | None = None, tested: str = ""
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, list[Channel], list[Entry]]:
            number = changes.latest(tx)
            return number, channels.every(tx, organization), outbox.listed(tx, organization, limit=_SHOWN)

        number, found, told = await database.read(look)
        context = {"channels": found, "told": told, "problem": problem, "tested": tested}
        live = Live(("channel", "notification"), number)
        status = problem.status if problem else 200
        return pages.render(request, "notifications/list.html", context, live=live, status=status)

    @router.get("/notifications")
    async def every(request: Request, session: SignedIn, tested: str = "") -> Response:
        return await show(request, session, tested=tested)

    async def form(
        request: Request, session: SignedIn, values: dict[str, str], chosen: list[str], problem: RingfenceError | None
    ) -> Response:
        context = {
            "values": values,
            "chosen": chosen,
            "kinds": {each.value: kind.about for each, kind in KINDS.items()},
            "problem": problem,
            "problems": problem.problems if isinstance(problem, Invalid) else (),
        }
        return pages.render(request, "notifications/new.html", context, status=problem.status if problem else 200)

    @router.get("/notifications/new", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def new(request: Request, session: SignedIn) -> Response:
        values = dict.fromkeys(("name", "host", "port", "to", "sender", "user", "person", "quiet"), "")
        return await form(request, session, values | {"security": "starttls", "pause": "30"}, [], None)

    @router.post("/notifications/new", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def make(
        request: Request,
        session: SignedIn,
        name: Annotated[str, Form(max_length=200)] = "",
        address: Annotated[str, Form(max_length=1_000)] = "",
        host: Annotated[str, Form(max_length=300)] = "",
        port: Annotated[str, Form(max_length=10)] = "",
        security: Annotated[str, Form(max_length=20)] = "starttls",
        to: Annotated[str, Form(max_length=4_000)] = "",
        sender_address: Annotated[str, Form(alias="sender", max_length=300)] = "",
        user: Annotated[str, Form(max_length=300)] = "",
        password: Annotated[str, Form(max_length=1_000)] = "",
        person: Annotated[str, Form(max_length=200)] = "",
        pause: Annotated[str, Form(max_length=10)] = "30",
        quiet: Annotated[str, Form(max_length=100)] = "",
        event: Annotated[list[str] | None, Form()] = None,
        by_rules: Annotated[str, Form(max_length=10)] = "",
    ) -> Response:
        values = {"name": name, "host": host, "port": port, "security": security, "to": to, "sender": sender_address}
        values |= {"user": user, "person": person, "pause": pause, "quiet": quiet}
        values |= {"by_rules": by_rules}
        try:
            wanted = new_channel(
                name,
                address=address,
                to=to.replace(",", " ").split(),
                host=host,
                port=_number(port, "port") or None,
                security=security,
                sender=sender_address,
                user=user,
                password=password,
                person=person,
                events=event or (),
                pause=_number(pause, "pause"),
                quiet=quiet,
                by_rules=bool(by_rules),
            )
            await database.run(
                lambda tx: channels.add(tx, sender.vault, session.user.organization_id, wanted, by=session.user.name)
            )
        except RingfenceError as problem:
            # What is secret is typed again: it is never put into a page.
            return await form(request, session, values, event or [], problem)
        return RedirectResponse("/notifications", 303)

    @router.post("/notifications/{channel_id}/test", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def try_(request: Request, session: SignedIn, channel_id: str) -> Response:
        organization = session.user.organization_id
        name = (await database.read(lambda tx: channels.by_name(tx, organization, channel_id))).name
        try:
            await try_out(database, sender, organization, channel_id)
        except RingfenceError as problem:
            return await show(request, session, problem=problem, tested=name)
        return await show(request, session, tested=name)

    @router.post("/notifications/{channel_id}/remove", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def remove(session: SignedIn, channel_id: str) -> Response:
        await database.run(lambda tx: channels.remove(tx, session.user.organization_id, channel_id))
        return RedirectResponse("/notifications", 303)

    return router


def _number(text: str, what: str) -> int:
    if not text.strip():
        return 0
    if not text.strip().isdecimal():
        raise Invalid(f"The {what} is a number.")
    return int(text)
