"""/people/ID/sign-ins: from where somebody is signed in, and what helps them who cannot sign in."""

from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import RingfenceError
from ringfence.organizations import sign_ins
from ringfence.security import devices
from ringfence.security.access import Asker, needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.storage.scope import everywhere
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.USER_MANAGE)])
    database = services.database

    async def show(request: Request, actor: Asker, user_id: str, problem: RingfenceError | None = None) -> Response:
        # Sessions and apps are the person's, in whichever organization they work.
        with everywhere():
            found = await database.read(lambda tx: sign_ins.look(tx, actor, user_id))
        context = {"found": found, "device": devices.words, "problem": problem}
        return pages.render(request, "people/sign_ins.html", context, status=problem.status if problem else 200)

    async def act(request: Request, actor: Asker, user_id: str, work: Callable[[Transaction], object]) -> Response:
        try:
            with everywhere():
                await database.run(work)
        except RingfenceError as problem:
            return await show(request, actor, user_id, problem)
        return RedirectResponse(f"/people/{user_id}/sign-ins", 303)

    @router.get("/people/{user_id}/sign-ins")
    async def look(request: Request, actor: Asker, user_id: str) -> Response:
        return await show(request, actor, user_id)

    @router.post("/people/{user_id}/sign-ins/revoke-all")
    async def revoke_all(request: Request, actor: Asker, user_id: str) -> Response:
        return await act(request, actor, user_id, lambda tx: sign_ins.revoke(tx, actor, user_id, None))

    @router.post("/people/{user_id}/sign-ins/unlock")
    async def unlock(request: Request, actor: Asker, user_id: str) -> Response:
        return await act(request, actor, user_id, lambda tx: sign_ins.unlock(tx, actor, user_id))

    @router.post("/people/{user_id}/sign-ins/reset-app", dependencies=[PROVEN])
    async def reset_app(request: Request, actor: Asker, user_id: str) -> Response:
        return await act(request, actor, user_id, lambda tx: sign_ins.reset_app(tx, actor, user_id))

    @router.post("/people/{user_id}/sign-ins/{session_id}/revoke")
    async def revoke(request: Request, actor: Asker, user_id: str, session_id: str) -> Response:
        return await act(request, actor, user_id, lambda tx: sign_ins.revoke(tx, actor, user_id, session_id))

    return router
