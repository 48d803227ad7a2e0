"""/keys: the keys that seal secrets and sign the audit log, how old they are, and their rotation."""

import asyncio
from collections.abc import Callable

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Conflict, Misconfigured, NotFound, RingfenceError
from ringfence.security import key_care
from ringfence.security.access import Asker, needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage.scope import everywhere
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.KEY_MANAGE)])
    database, folder = services.database, services.settings.data

    async def show(request: Request, asker: Asker, problem: RingfenceError | None = None) -> Response:
        # Keys of other organizations are left out by who asks, not by row.
        with everywhere():
            found = await asyncio.to_thread(key_care.look, database, services.sender.vault, folder, asker)
        context = {"found": found, "problem": problem}
        return pages.render(request, "keys/show.html", context, status=problem.status if problem else 200)

    async def act(request: Request, asker: Asker, work: Callable[[], object]) -> Response:
        try:
            with everywhere():
                await asyncio.to_thread(work)
        except (Conflict, NotFound, Misconfigured) as problem:
            return await show(request, asker, problem)
        return RedirectResponse("/keys", 303)

    @router.get("/keys")
    async def listing(request: Request, asker: Asker) -> Response:
        return await show(request, asker)

    @router.post("/keys/rotate", dependencies=[PROVEN])
    async def rotate(request: Request, asker: Asker) -> Response:
        return await act(request, asker, lambda: key_care.rotate_organization(database, services.sender.vault, asker))

    @router.post("/keys/rotate-master", dependencies=[needs(Permission.SYSTEM_MANAGE), PROVEN])
    async def rotate_master(request: Request, asker: Asker) -> Response:
        return await act(request, asker, lambda: key_care.rotate_master(database, services.sender.vault, asker))

    @router.post("/keys/rotate-audit", dependencies=[needs(Permission.SYSTEM_MANAGE), PROVEN])
    async def rotate_audit(request: Request, asker: Asker) -> Response:
        return await act(request, asker, lambda: key_care.rotate_audit(database, folder, asker))

    @router.post("/keys/{key_id}/retire", dependencies=[PROVEN])
    async def retire(request: Request, asker: Asker, key_id: str) -> Response:
        return await act(request, asker, lambda: key_care.retire(database, services.sender.vault, asker, key_id))

    return router
