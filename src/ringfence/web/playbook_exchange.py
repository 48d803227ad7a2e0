"""/playbooks/cacao and /playbooks/…/cacao: take a CACAO document in as a draft, and give a playbook out as one."""

import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.actions.catalogue import discover
from ringfence.clock import iso
from ringfence.errors import Invalid, RingfenceError
from ringfence.playbooks import drafts, library
from ringfence.playbooks.cacao.reading import MAX_BYTES
from ringfence.playbooks.cacao.taking import Taken, take
from ringfence.playbooks.cacao.writing import Origin, Written, write
from ringfence.playbooks.library import StoredPlaybook
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

MARKINGS: Final = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter()
    database, catalogue = services.database, discover()

    def page(
        request: Request, document: str = "", taken: Taken | None = None, problem: RingfenceError | None = None
    ) -> Response:
        context = {
            "document": document,
            "taken": taken,
            "problem": problem,
            "refusals": problem.problems if isinstance(problem, Invalid) else (),
        }
        return pages.render(request, "playbooks/cacao_in.html", context, status=problem.status if problem else 200)

    @router.get("/playbooks/cacao", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def offer(request: Request, session: SignedIn) -> Response:
        return page(request)

    @router.post("/playbooks/cacao", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def take_in(
        request: Request,
        session: SignedIn,
        document: Annotated[str, Form(max_length=MAX_BYTES)] = "",
        do: Annotated[str, Form(max_length=10)] = "look",
    ) -> Response:
        user = session.user
        try:
            made = take(document, catalogue)
            if do != "keep":
                return page(request, document, made)
            draft = await database.run(
                lambda tx: drafts.save(
                    tx, user.organization_id, made.source, user.name, expected=0, note="Made from a CACAO document."
                )
            )
        except RingfenceError as problem:
            return page(request, document, problem=problem)
        return RedirectResponse(f"/playbooks/{draft.playbook_id}/draft", 303)

    async def written(session: SignedIn, playbook_id: str, marking: str) -> tuple[StoredPlaybook, Written]:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[StoredPlaybook, str]:
            found = library.get(tx, organization, playbook_id)
            return found, library.source_of(tx, organization, found.version_id)

        found, source = await database.read(look)
        origin = Origin.of(found.id, organization, iso(found.created_at), iso(found.published_at), marking or None)
        return found, write(source, catalogue, origin)

    @router.get("/playbooks/{playbook_id}/cacao", dependencies=[needs(Permission.PLAYBOOK_READ)])
    async def give(request: Request, session: SignedIn, playbook_id: str, marking: str = "") -> Response:
        row, made = await written(session, playbook_id, marking)
        context: dict[str, Any] = {"row": row, "left_out": made.left_out, "marking": marking, "markings": MARKINGS}
        context["document"] = json.dumps(made.document, indent=2, ensure_ascii=False)
        return pages.render(request, "playbooks/cacao_out.html", context)

    @router.get("/playbooks/{playbook_id}/cacao.json", dependencies=[needs(Permission.PLAYBOOK_READ)])
    async def download(session: SignedIn, playbook_id: str, marking: str = "") -> Response:
        row, made = await written(session, playbook_id, marking)
        body = json.dumps(made.document, indent=2, ensure_ascii=False) + "\n"
        name = f"playbook-{row.id}-{row.version}.cacao.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body.encode(), media_type="application/json", headers=headers)

    return router
