"""/api/v1/containments/ID/proof, and the same as a ZIP."""

from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from ringfence.api.access import OrganizationId
from ringfence.audit.heads import Signer
from ringfence.containment import proof, proof_package
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database


def _reader(request: Request) -> str:
    return who(request).name


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/containments", tags=["containments"], dependencies=[needs(Permission.CONTAINMENT_READ)])

    @router.get("/{containment_id}/proof")
    async def document(
        organization_id: OrganizationId, containment_id: str, reader: str = Depends(_reader)
    ) -> dict[str, Any]:
        """Return everything that proves a containment; the form is described in docs/proof-package.md.

        Every request to Defender and every answer is in it, with their hashes.
        """
        return await database.read(lambda tx: proof.document(tx, organization_id, containment_id, by=reader))

    @router.get(
        "/{containment_id}/proof.zip",
        response_class=Response,
        responses={200: {"description": "The file.", "content": {"application/zip": {}}}},
    )
    async def package(organization_id: OrganizationId, containment_id: str, reader: str = Depends(_reader)) -> Response:
        """Return the proof as a ZIP with a page to read, its audit entries and a manifest; that it was taken is audited.

        The manifest names the hash of every file.
        """
        signer = Signer(settings.data)
        made = await database.run(lambda tx: proof_package.make(tx, organization_id, containment_id, signer, by=reader))
        headers = {"Content-Disposition": f'attachment; filename="{made.name}"'}
        return Response(made.content, media_type="application/zip", headers=headers)

    return router
