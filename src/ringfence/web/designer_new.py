"""/playbooks/design: begin a playbook, a component or a workflow, and draw it."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Conflict, NotFound, RingfenceError
from ringfence.playbooks import drafts
from ringfence.playbooks.drafts import Draft
from ringfence.playbooks.editing import written
from ringfence.playbooks.model import Json
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

KINDS: Final = {
    "playbook": "Something starts it: an alert, a message, the clock, a person.",
    "component": "Other playbooks call it, with inputs and outputs.",
    "workflow": "It also asks people by tasks with forms, on an incident.",
}


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_WRITE)])

    def form(
        request: Request, name: str = "", about: str = "", kind: str = "playbook", problem: RingfenceError | None = None
    ) -> Response:
        context = {"name": name, "about": about, "kind": kind, "kinds": KINDS, "problem": problem}
        return pages.render(request, "designer/new.html", context, status=problem.status if problem else 200)

    @router.get("/playbooks/design")
    async def new(request: Request) -> Response:
        return form(request)

    @router.post("/playbooks/design")
    async def begin(
        request: Request,
        asker: Asker,
        name: Annotated[str, Form(max_length=200)] = "",
        about: Annotated[str, Form(max_length=2_000)] = "",
        kind: Annotated[Literal["playbook", "component", "workflow"], Form()] = "playbook",
    ) -> Response:
        called = name.strip()

        def work(tx: Transaction) -> Draft:
            if not called:
                raise Conflict("The playbook has no name.", advice="Give it one; it can be changed later.")
            if _known(tx, asker.organization_id, called):
                raise Conflict(
                    f"There is a playbook {called[:100]!r} already.", advice="Choose another name, or open that one."
                )
            return drafts.save(tx, asker.organization_id, _source(called, about.strip(), kind), asker.name, expected=0)

        try:
            made = await services.database.run(work)
        except RingfenceError as problem:
            return form(request, name, about, kind, problem)
        return RedirectResponse(f"/playbooks/{made.playbook_id}/design", 303)

    return router


def _known(tx: Transaction, organization_id: str, name: str) -> bool:
    try:
        drafts.find(tx, organization_id, name)
    except NotFound:
        return False
    return True


def _source(name: str, about: str, kind: str) -> str:
    document: dict[str, Json] = {"ringfence": 1, "kind": kind, "name": name}
    if about:
        document["description"] = about
    if kind != "component":
        document["trigger"] = {"type": "manual"}
    return written(document | {"steps": {}})
