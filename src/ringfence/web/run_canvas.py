"""/executions/…/canvas: one run on the designer's canvas, live. The page of the run says the same in words."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.playbooks import rounds
from ringfence.playbooks.document import read
from ringfence.playbooks.sketch import sketch
from ringfence.runs import cancelling, detail, history, progress, rerun
from ringfence.runs.progress import Standing
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.web import words
from ringfence.web.designer_answers import JsonRoute
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

_Name = Annotated[str, Query(max_length=500)]
_Item = Annotated[int | None, Query(ge=0, le=rounds.LARGEST)]
_Steps = Annotated[list[Annotated[str, Query(max_length=210)]] | None, Query(alias="step", max_length=50)]


class Again(BaseModel):
    """From which steps on a run is done again; none: all of it."""

    model_config = ConfigDict(extra="forbid")

    steps: list[Annotated[str, Field(max_length=210)]] = Field(default_factory=list, max_length=50)
    newest: bool = False
    key: str | None = Field(None, max_length=rerun.LONGEST_KEY)


class End(BaseModel):
    """Why a run is to end."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field("", max_length=500)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.RUN_READ)])
    answers = APIRouter(route_class=JsonRoute, prefix="/executions/{run_id}/canvas")
    database, vault, catalogue = services.database, services.sender.vault, discover()

    @router.get("/executions/{run_id}/canvas")
    async def page(request: Request, asker: Asker, run_id: str) -> Response:
        organization = asker.organization_id
        found = await database.read(lambda tx: progress.progress(tx, organization, run_id, vault))
        return pages.render(request, "executions/canvas.html", {"row": found.row})

    @answers.get("/document")
    async def document(asker: Asker, run_id: str) -> JSONResponse:
        def look(tx: Transaction) -> progress.Progress:
            return progress.progress(tx, asker.organization_id, run_id, vault)

        found = await database.read(look)
        row = found.row
        return JSONResponse(
            {
                "id": row.id,
                "name": row.playbook_name,
                "playbook": row.playbook_id,
                "version": row.version,
                "sketch": sketch(read(found.source), catalogue).to_json(),
                "may": {
                    "write": False,
                    "again": asker.may(Permission.RUN_START),
                    "cancel": asker.may(Permission.RUN_CANCEL),
                },
            }
        )

    @answers.get("/state")
    async def state(asker: Asker, run_id: str) -> JSONResponse:
        def look(tx: Transaction) -> tuple[int, progress.Progress]:
            return changes.latest(tx), progress.progress(tx, asker.organization_id, run_id, vault)

        number, found = await database.read(look)
        steps = {name: _standing(each) for name, each in found.steps.items()}
        return JSONResponse({"number": number, "run": _run(found.row), "steps": steps})

    @answers.get("/step")
    async def one(asker: Asker, run_id: str, name: _Name, item: _Item = None) -> JSONResponse:
        found = await database.read(lambda tx: progress.close_up(tx, asker.organization_id, run_id, vault, name, item))
        return JSONResponse(_close(found))

    @answers.get("/again", dependencies=[needs(Permission.RUN_START)])
    async def ask_again(asker: Asker, run_id: str, steps: _Steps = None, newest: bool = False) -> JSONResponse:
        wanted = steps or []
        found = await database.read(
            lambda tx: rerun.look(tx, asker.organization_id, run_id, catalogue, steps=wanted, newest=newest)
        )
        outside = any(each.outside for each in found.again)
        return JSONResponse({"version": found.version, "sentences": list(found.sentences), "outside": outside})

    @answers.post("/again", dependencies=[needs(Permission.RUN_START)])
    async def again(asker: Asker, run_id: str, body: Again) -> JSONResponse:
        made = await database.run(
            lambda tx: rerun.begin(
                tx,
                asker.organization_id,
                run_id,
                catalogue,
                by=asker.name,
                steps=body.steps,
                newest=body.newest,
                key=body.key,
            )
        )
        return JSONResponse({"go": f"/executions/{made}/canvas"})

    @answers.post("/cancel", dependencies=[needs(Permission.RUN_CANCEL)])
    async def cancel(asker: Asker, run_id: str, body: End) -> JSONResponse:
        await database.run(
            lambda tx: cancelling.request(tx, asker.organization_id, run_id, by=asker.name, reason=body.reason.strip())
        )
        return JSONResponse({"words": "Nothing more is begun; what is at work is waited for."})

    router.include_router(answers)
    return router


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else clock.iso(moment)


def _sign(kind: str, value: str) -> dict[str, str]:
    shown = words.sign(kind, value)
    return {"word": shown.word, "tone": shown.tone, "icon": shown.icon}


def _run(row: history.Row) -> dict[str, Any]:
    return {
        "status": row.status,
        **_sign("run", row.status),
        "live": row.live,
        "error": row.error,
        "alert": None if row.alert_id is None else {"id": row.alert_id, "title": row.alert_title},
        "trigger": words.sign("trigger", row.trigger_kind).word,
        "machine": row.machine_name or row.machine_id,
        "run_as": row.run_as,
        "requested_at": _iso(row.requested_at),
        "started_at": _iso(row.started_at),
        "finished_at": _iso(row.finished_at),
        "rerun_of": row.rerun_of,
        "cancel_requested_by": row.cancel_requested_by if row.cancel_requested_at and row.live else None,
        "cancel_reason": row.cancel_reason,
    }


def _standing(each: Standing) -> dict[str, Any]:
    return {
        "status": each.status,
        **_sign("step", each.status),
        "outcome": each.outcome,
        "attempt": each.attempt,
        "error": each.error,
        "started_at": _iso(each.started_at),
        "finished_at": _iso(each.finished_at),
        "wake_at": _iso(each.wake_at),
        "items": [
            {"status": status, "number": number, **_sign("step", status)} for status, number in each.items.items()
        ],
    }


def _close(found: progress.CloseUp) -> Mapping[str, Any]:
    step = found.step
    return {
        "step": step.step,
        "item": step.iteration,
        "said": rounds.said(step.iteration),
        "action": step.action,
        "status": step.status,
        **_sign("step", step.status),
        "outcome": step.outcome,
        "masked": step.masked,
        "error": step.error,
        "started_at": _iso(step.started_at),
        "finished_at": _iso(step.finished_at),
        "wake_at": _iso(step.wake_at),
        "waits_for": list(step.waits_for),
        "attempts": [_attempt(each) for each in step.attempts],
        "input": _value(step.input, step.input_size, "input" in step.cut),
        "output": _value(step.output, step.output_size, "output" in step.cut),
        "lines": [
            {"id": each.id, "at": clock.iso(each.at), "message": each.message, **_sign("level", each.level)}
            for each in found.lines
        ],
        "items": [
            {
                "number": each.number,
                "said": rounds.said(each.number),
                **_sign("step", each.status),
                "error": each.error,
                "took": None if each.took is None else each.took.total_seconds(),
            }
            for each in found.items
        ],
        "item_count": found.item_count,
    }


def _attempt(each: detail.Attempt) -> dict[str, Any]:
    return {
        "number": each.number,
        "started_at": clock.iso(each.started_at),
        "took": each.took.total_seconds(),
        "error": each.error,
    }


def _value(value: Any, size: int, cut: bool) -> dict[str, Any]:
    return {"value": value, "size": size, "cut": cut}
