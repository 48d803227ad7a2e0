"""GET /containment/ID/proof: the proof of a containment as a file."""

from fastapi import APIRouter
from starlette.responses import Response

from ringfence.audit.heads import Signer
from ringfence.containment import proof_package
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn


def routes(services: Services, _pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.CONTAINMENT_READ)])

    @router.get("/containment/{containment_id}/proof")
    async def proof(session: SignedIn, containment_id: str) -> Response:
        user, signer = session.user, Signer(services.settings.data)
        made = await services.database.run(
            lambda tx: proof_package.make(tx, user.organization_id, containment_id, signer, by=user.name)
        )
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type="application/zip", headers=headers)

    return router
