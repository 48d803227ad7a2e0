"""/installation: whether the installation is well, for who runs it; and the support bundle."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from ringfence.diagnosis import bundle, doctor
from ringfence.diagnosis.model import Level, Report
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage.scope import everywhere
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SYSTEM_MANAGE)])
    database = services.database

    async def examined() -> Report:
        # It is about everybody's rows, and only counts and names of them are shown.
        with everywhere():
            return await asyncio.to_thread(doctor.examine, services.settings, database, lambda: services.sender.vault)

    @router.get("/installation")
    async def show(request: Request, network: Annotated[bool, Query()] = False) -> Response:
        report = await examined()
        if network:
            with everywhere():
                asked = await doctor.ask_network(services.settings, database, None)
            report = Report((*report.findings, *asked))
        context = {"report": report, "levels": list(Level), "network": network}
        return pages.render(request, "installation/show.html", context)

    @router.get("/installation/support-bundle")
    async def support_bundle() -> Response:
        report = await examined()
        with everywhere():
            content = await asyncio.to_thread(bundle.make, services.settings, database, services.sender.vault, report)
        said = {"Content-Disposition": f'attachment; filename="{bundle.name_of()}"'}
        return Response(content, media_type="application/zip", headers=said)

    return router
