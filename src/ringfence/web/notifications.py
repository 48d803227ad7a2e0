"""/notifications: where people are told, whether that works, what they were told; make, change, test and remove channels."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid, NotFound, RingfenceError
from ringfence.notifications import channels, editing, outbox
from ringfence.notifications.channels import Channel
from ringfence.notifications.delivery import try_out
from ringfence.notifications.events import KINDS
from ringfence.notifications.outbox import Entry
from ringfence.notifications.sending import Mail
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import overtaken
from ringfence.web.channel_form import Typed
from ringfence.web.channel_form import typed as _typed
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Do = Annotated[str, Form(max_length=10)]
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
        request: Request,
        session: SignedIn,
        typed: Typed,
        *,
        channel: Channel | None = None,
        seen: str = "",
        problem: RingfenceError | None = None,
    ) -> Response:
        context = {
            "values": typed,
            "channel": channel,
            "seen": seen,
            "kinds": {each.value: kind.about for each, kind in KINDS.items()},
            "problem": overtaken.told(problem) if problem else None,
            "problems": problem.problems if isinstance(problem, Invalid) else (),
        }
        return pages.render(request, "notifications/new.html", context, status=problem.status if problem else 200)

    @router.get("/notifications/new", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def new(request: Request, session: SignedIn) -> Response:
        return await form(request, session, Typed())

    async def saved(request: Request, session: SignedIn, made: Channel, do: str) -> Response:
        if do == "test":
            return await tried(request, session, made)
        return RedirectResponse("/notifications", 303)

    @router.post("/notifications/new", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def make(
        request: Request, session: SignedIn, typed: Annotated[Typed, Depends(_typed)], do: Do = "save"
    ) -> Response:
        try:
            wanted = typed.new()
            made = await database.run(
                lambda tx: channels.add(tx, sender.vault, session.user.organization_id, wanted, by=session.user.name)
            )
        except RingfenceError as problem:
            # What is secret is typed again: it is never put into a page.
            return await form(request, session, typed, problem=problem)
        return await saved(request, session, made, do)

    @router.get("/notifications/{channel_id}/edit", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def edit(request: Request, session: SignedIn, channel_id: str) -> Response:
        def look(tx: Transaction) -> tuple[Channel, str, Mail | None]:
            found = channels.by_name(tx, session.user.organization_id, channel_id)
            return found, editing.version(tx, found), editing.mail_of(tx, sender.vault, found)

        found, seen, mail = await database.read(look)
        return await form(request, session, Typed.of(found, mail), channel=found, seen=seen)

    @router.post("/notifications/{channel_id}/edit", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def change(
        request: Request,
        session: SignedIn,
        channel_id: str,
        typed: Annotated[Typed, Depends(_typed)],
        seen: Annotated[str, Form(max_length=100)] = "",
        do: Do = "save",
    ) -> Response:
        organization, by = session.user.organization_id, session.user.name
        found = await database.read(lambda tx: channels.by_name(tx, organization, channel_id))
        try:
            wanted = typed.wanted(found)
            made = await database.run(
                lambda tx: editing.change(tx, sender.vault, organization, found.id, wanted, by=by, seen=seen)
            )
        except NotFound:
            raise
        except RingfenceError as problem:
            # Whoever sends it again has been told that somebody else changed it.
            now = await database.read(lambda tx: editing.version(tx, found))
            return await form(request, session, typed, channel=found, seen=now, problem=problem)
        return await saved(request, session, made, do)

    async def tried(request: Request, session: SignedIn, channel: Channel) -> Response:
        try:
            await try_out(database, sender, channel.organization_id, channel.id)
        except RingfenceError as problem:
            return await show(request, session, problem=problem, tested=channel.name)
        return await show(request, session, tested=channel.name)

    @router.post("/notifications/{channel_id}/test", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def try_(request: Request, session: SignedIn, channel_id: str) -> Response:
        organization = session.user.organization_id
        return await tried(
            request, session, await database.read(lambda tx: channels.by_name(tx, organization, channel_id))
        )

    @router.post("/notifications/{channel_id}/remove", dependencies=[needs(Permission.NOTIFICATION_MANAGE)])
    async def remove(session: SignedIn, channel_id: str) -> Response:
        await database.run(lambda tx: channels.remove(tx, session.user.organization_id, channel_id))
        return RedirectResponse("/notifications", 303)

    return router
