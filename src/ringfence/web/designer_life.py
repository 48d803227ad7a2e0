"""What the designer knows of versions: what differs, what publishing would do, and doing it."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse

from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid
from ringfence.playbooks import drafts, library
from ringfence.playbooks.difference import compare
from ringfence.playbooks.document import read
from ringfence.playbooks.library import LONGEST_NOTE, MAX_SOURCE, StoredPlaybook
from ringfence.playbooks.overlay import overlay
from ringfence.playbooks.publishing import Publishing
from ringfence.playbooks.sketch import sketch
from ringfence.security.access import Asker, needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web.designer_answers import JsonRoute
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Compared(_Sent):
    """Two texts of a playbook: the version `before`, and the version `after` or, without one, the document `source`."""

    before: str = Field(max_length=40)
    after: str = Field("", max_length=40)
    source: str = Field("", max_length=MAX_SOURCE)


class Publish(_Sent):
    """How the draft is to be published, and the revision of it that was seen."""

    seen: int = Field(ge=1, le=999_999_999)
    note: str = Field("", max_length=LONGEST_NOTE)
    major: bool = False
    over: bool = False
    unproven: str = Field("", max_length=LONGEST_NOTE)


class Mode(_Sent):
    """Whether the newest version starts runs."""

    to: Literal["active", "paused"]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these answers."""
    router = APIRouter(
        route_class=JsonRoute,
        prefix="/playbooks/{playbook_id}/design",
        dependencies=[needs(Permission.PLAYBOOK_READ)],
    )
    database, catalogue = services.database, discover()
    desk = Publishing(catalogue, networks(services.settings.egress_private))

    @router.post("/difference")
    async def difference(asker: Asker, playbook_id: str, body: Compared) -> JSONResponse:
        organization = asker.organization_id

        def text(tx: Transaction, number: str) -> str:
            return library.source_of(tx, organization, library.version(tx, organization, playbook_id, number).id)

        def look(tx: Transaction) -> tuple[str, str]:
            return text(tx, body.before), text(tx, body.after) if body.after else body.source

        earlier, later = await database.read(look)
        was, now = read(earlier), read(later)
        if was.playbook is None or now.playbook is None:
            lines = tuple(each.render("playbook") for each in (*was.problems, *now.problems))
            raise Invalid("What is here cannot be read yet.", advice="Correct its errors first.", problems=lines)
        changes = compare(was.playbook, now.playbook)
        drawn = overlay(sketch(was, catalogue), sketch(now, catalogue), changes)
        return JSONResponse({"changes": [each.to_json() for each in changes]} | drawn.to_json())

    @router.get("/publishing")
    async def publishing(asker: Asker, playbook_id: str, major: bool = False) -> JSONResponse:

        def look(tx: Transaction) -> dict[str, Any]:
            shelf = drafts.find(tx, asker.organization_id, playbook_id)
            if shelf.revision is None:
                return {"draft": False}
            draft = drafts.current(tx, asker.organization_id, shelf.id)
            found = desk.preview(tx, asker.organization_id, draft, asker.name, major=major)
            return {
                "draft": True,
                "version": found.version,
                "changes": [each.sentence for each in found.changes],
                "problems": [each.to_json() for each in found.problems],
                "obstacle": found.obstacle,
                "second_person": found.second_person,
                "proof_first": found.proof_first,
                "publishable": found.publishable,
            }

        return JSONResponse(await database.read(look))

    @router.post("/publish", dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def publish(asker: Asker, playbook_id: str, body: Publish) -> JSONResponse:
        done = await database.run(
            lambda tx: desk.publish_draft(
                tx,
                asker.organization_id,
                playbook_id,
                asker.name,
                expected=body.seen,
                major=body.major,
                note=body.note,
                over=body.over,
                unproven=body.unproven,
            )
        )
        if done.trial is not None:
            return JSONResponse({"go": f"/playbooks/{playbook_id}/trials/{done.trial.id}"})
        if done.published is None:
            return JSONResponse({"go": f"/approvals/{done.question.id}" if done.question is not None else "/approvals"})
        return JSONResponse({"words": f"Version {done.published.playbook.version} starts runs now."})

    @router.post("/mode", dependencies=[needs(Permission.PLAYBOOK_CONTROL)])
    async def mode(asker: Asker, playbook_id: str, body: Mode) -> JSONResponse:
        def work(tx: Transaction) -> StoredPlaybook:
            if body.to == "paused":
                return library.pause(tx, asker.organization_id, playbook_id)
            return desk.activate(tx, asker.organization_id, playbook_id, asker.name)[0]

        row = await database.run(work)
        words = "starts no runs now" if body.to == "paused" else "starts runs now"
        return JSONResponse({"words": f"Version {row.version} {words}."})

    return router
