"""/playbooks/…/design: the canvas on which playbooks are drawn. The document is the truth; this page shows and edits it."""

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ringfence.accounts import records as accounts
from ringfence.actions.catalogue import Catalogue, discover
from ringfence.errors import Invalid, NotFound
from ringfence.organizations import teams
from ringfence.playbooks import drafts, library
from ringfence.playbooks.document import read
from ringfence.playbooks.drafts import Draft, Shelf
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.offered import Offered, offered
from ringfence.playbooks.operations import MOST, Operation, applied
from ringfence.playbooks.publishing import Publishing
from ringfence.playbooks.sketch import sketch
from ringfence.playbooks.yamltree import Node
from ringfence.security.access import Asker, needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.services import records as trigger_services
from ringfence.storage import Transaction
from ringfence.web.designer_answers import JsonRoute
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

_MAY: Final[Mapping[str, Permission]] = {
    "write": Permission.PLAYBOOK_WRITE,
    "try": Permission.PLAYBOOK_REHEARSE,
    "publish": Permission.PLAYBOOK_PUBLISH,
    "control": Permission.PLAYBOOK_CONTROL,
}


class Text(BaseModel):
    """The document as it is on the canvas."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=MAX_SOURCE)


class Edit(Text):
    """What is done to it."""

    operations: list[Operation] = Field(min_length=1, max_length=MOST)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    answers = APIRouter(route_class=JsonRoute, prefix="/playbooks/{playbook_id}/design")
    database, catalogue = services.database, discover()
    desk = Publishing(catalogue, networks(services.settings.egress_private))

    @router.get("/playbooks/{playbook_id}/design")
    async def page(request: Request, asker: Asker, playbook_id: str) -> Response:
        organization = asker.organization_id
        shelf = await database.read(lambda tx: drafts.find(tx, organization, playbook_id))
        return pages.render(request, "designer/page.html", {"shelf": shelf})

    @answers.get("/document")
    async def document(asker: Asker, playbook_id: str) -> JSONResponse:
        organization = asker.organization_id

        def look(tx: Transaction) -> dict[str, Any]:
            shelf = drafts.find(tx, organization, playbook_id)
            draft = drafts.current(tx, organization, shelf.id) if shelf.revision is not None else None
            return _opened(tx, shelf, draft) | {
                "may": {word: asker.may(permission) for word, permission in _MAY.items()}
            }

        return JSONResponse(await database.read(look))

    @answers.get("/actions")
    async def actions(asker: Asker) -> JSONResponse:
        return JSONResponse([_listed(catalogue, action_id) for action_id in catalogue.ids()])

    @answers.get("/actions/{action_id}")
    async def action(asker: Asker, action_id: str) -> JSONResponse:
        found = catalogue.find(action_id)
        if found is None:
            raise NotFound(f"There is no action {action_id[:100]!r}.", advice="Choose one of the toolbox.")
        kinds = {name: each.kind.value for name, each in found.parameters.items()}
        return JSONResponse(found.to_json() | {"kinds": kinds, "example": found.example, "title": found.title})

    @answers.get("/components")
    async def components(asker: Asker, playbook_id: str) -> JSONResponse:
        def look(tx: Transaction) -> tuple[Offered, ...]:
            drafts.find(tx, asker.organization_id, playbook_id)
            return offered(tx, asker.organization_id)

        return JSONResponse([each.to_json() for each in await database.read(look)])

    @answers.post("/look")
    async def look_at(asker: Asker, body: Text) -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(_drawn, catalogue, body.source))

    @answers.post("/check")
    async def check(asker: Asker, body: Text) -> JSONResponse:
        found = await database.read(lambda tx: desk.examine(tx, asker.organization_id, body.source, asker.name))
        return JSONResponse([each.to_json() for each in found])

    @answers.post("/edit", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def edit(asker: Asker, body: Edit) -> JSONResponse:
        return JSONResponse(await asyncio.to_thread(_edited, catalogue, body))

    @answers.put("/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def save(
        asker: Asker,
        playbook_id: str,
        body: Text,
        seen: Annotated[str | None, Header(alias="If-Match", max_length=40)] = None,
    ) -> JSONResponse:
        revision = _revision(seen)
        saved = await database.run(
            lambda tx: drafts.save(
                tx, asker.organization_id, body.source, asker.name, playbook=playbook_id, expected=revision
            )
        )
        said = {"revision": saved.revision, "name": saved.name}
        return JSONResponse(said, headers={"ETag": f'"{saved.revision}"'})

    router.include_router(answers)
    return router


def _revision(seen: str | None) -> int:
    text = (seen or "").strip().removeprefix("W/").strip('"')
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid("This save does not say which draft it is of.", advice="Open the designer again.")
    return int(text)


def _opened(tx: Transaction, shelf: Shelf, draft: Draft | None) -> dict[str, Any]:
    organization = shelf.organization_id
    if draft is None and shelf.version_id is None:
        raise NotFound(f"{shelf.name!r} has neither a version nor a draft.", advice="Begin a new playbook.")
    source = draft.source if draft is not None else library.source_of(tx, organization, shelf.version_id or "")
    followed = trigger_services.every(tx, organization)
    kept = library.versions(tx, organization, shelf.id) if shelf.version_id is not None else []
    return {
        "id": shelf.id,
        "name": shelf.name,
        "state": shelf.state.value,
        "version": shelf.version if shelf.version_id is not None else None,
        "revision": draft.revision if draft is not None else 0,
        "saved_by": draft.saved_by if draft is not None else None,
        "source": source,
        "versions": [each.number for each in kept],
        "services": [each.name for each in followed if not each.packaged],
        "packaged": [each.name for each in followed if each.packaged],
        "accounts": [each.name for each in accounts.every(tx, organization)],
        "teams": [each.name for each in teams.every(tx, organization)],
    }


# Reading hundreds of steps takes a fifth of a second: on a thread, so that nobody else waits.
def _edited(catalogue: Catalogue, asked: Edit) -> dict[str, Any]:
    splicer, named = applied(asked.source, asked.operations)
    if len(splicer.text) > MAX_SOURCE:
        raise Invalid("The playbook becomes too large.", advice="Split it into several playbooks.")
    # What was not changed is not read anew; the checks that the page asks for next read all of it.
    return _drawn(catalogue, splicer.text, splicer.known) | {"named": list(named)}


def _drawn(catalogue: Catalogue, source: str, root: Node | None = None) -> dict[str, Any]:
    document = read(source, root)
    problems = [each.to_json() for each in document.problems]
    return {"source": source, "sketch": sketch(document, catalogue).to_json(), "problems": problems}


def _listed(catalogue: Catalogue, action_id: str) -> Mapping[str, Any]:
    action = catalogue.find(action_id)
    assert action is not None
    return {
        "id": action.id,
        "title": action.title,
        "connector": action.connector.title,
        "category": action.connector.category,
        "noun": action.noun,
        "summary": action.summary,
        "effect": action.effect.value,
        "outcomes": list(action.outcomes),
        "gives": action.gives,
    }
