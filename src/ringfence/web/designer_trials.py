"""What the designer tries: values on past alerts, and whole dry runs of what is on the canvas."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints
from starlette.responses import JSONResponse

from ringfence import clock
from ringfence.alerts import queue
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import drafts
from ringfence.playbooks.document import read
from ringfence.playbooks.expressions import ExpressionError, compile_expression, compile_template
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.model import NO_TRIGGER, DefenderAlertTrigger, Json, Playbook
from ringfence.rehearsals import profiles
from ringfence.rehearsals.desk import Wish, text_of
from ringfence.rehearsals.report import Report, StepReport
from ringfence.rehearsals.sample import Sample, sample, with_outputs
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission
from ringfence.services import history
from ringfence.storage import Transaction
from ringfence.web.designer_answers import JsonRoute
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

_ALERTS: Final = 50
_LONGEST_TEXT: Final = 200
_MOST_ITEMS: Final = 3
_DEEPEST: Final = 12

_Name = Annotated[str, StringConstraints(max_length=200)]


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Subject(_Sent):
    """What is tried on: a stored alert or a kept input; neither means the newest alert there is."""

    alert: _Name | None = None
    profile: _Name | None = None


class Trying(Subject):
    """A dry run of a document."""

    source: str = Field(max_length=MAX_SOURCE)


class Previewing(_Sent):
    """A text of a field whose value is asked for; `outputs` are what steps gave in a dry run on the canvas."""

    text: str = Field(max_length=20_000)
    kind: Literal["value", "run_expression"] = "value"
    on: Subject = Subject()
    outputs: dict[_Name, JsonValue] = Field(default_factory=dict, max_length=1_000)
    step: _Name | None = None


class Moment(_Sent):
    """Words such as `30 days ago`."""

    text: str = Field(max_length=100)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these answers."""
    seeing = [needs(Permission.PLAYBOOK_READ), needs(Permission.ALERT_READ), needs(Permission.RUN_READ)]
    router = APIRouter(route_class=JsonRoute, prefix="/playbooks/{playbook_id}/design", dependencies=seeing)
    database = services.database

    def sampled(tx: Transaction, organization_id: str, playbook_id: str, on: Subject) -> Sample:
        organization = organizations.get(tx, organization_id)
        shelf = drafts.find(tx, organization_id, playbook_id)
        playbook = _readable(tx, organization_id, shelf.id, shelf.name)
        return sample(
            tx, services.sender.vault, organization, playbook, shelf.id, _wish(tx, organization_id, playbook, on)
        )

    @router.get("/subjects")
    async def subjects(asker: Asker, playbook_id: str) -> JSONResponse:
        organization_id = asker.organization_id

        def look(tx: Transaction) -> dict[str, Any]:
            shelf = drafts.find(tx, organization_id, playbook_id)
            found = queue.page(tx, organization_id, limit=_ALERTS).alerts
            kept = profiles.every(tx, organization_id, shelf.name)
            alerts = [
                {"id": each.id, "title": each.title, "severity": each.severity, "machine": each.machine_name}
                for each in found
            ]
            return {"alerts": alerts, "profiles": [each.name for each in kept]}

        return JSONResponse(await database.read(look))

    @router.get("/sample")
    async def see(
        asker: Asker, playbook_id: str, alert: _Name | None = None, profile: _Name | None = None
    ) -> JSONResponse:
        organization_id = asker.organization_id
        on = Subject(alert=alert, profile=profile)
        found = await database.read(lambda tx: sampled(tx, organization_id, playbook_id, on))
        return JSONResponse({"document": _outline(found.document, 0), "on": found.on, "runs": found.runs})

    @router.post("/preview")
    async def preview(asker: Asker, playbook_id: str, body: Previewing) -> JSONResponse:
        organization_id = asker.organization_id
        found = await database.read(lambda tx: sampled(tx, organization_id, playbook_id, body.on))
        document = with_outputs(found, body.outputs)
        try:
            value = _value(body, document)
        except ExpressionError as error:
            return JSONResponse({"error": error.message})
        return JSONResponse({"value": _outline(value, 0)})

    @router.post("/moment")
    async def moment(asker: Asker, body: Moment) -> JSONResponse:
        # Unusual words take a while to read, which must not hold others up.
        found = await database.read(lambda _: history.start(body.text, clock.now()))
        return JSONResponse({"at": clock.iso(found)})

    @router.post("/try", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def try_it(asker: Asker, playbook_id: str, body: Trying) -> JSONResponse:
        organization_id = asker.organization_id

        def look(tx: Transaction) -> Organization:
            drafts.find(tx, organization_id, playbook_id)
            return organizations.get(tx, organization_id)

        organization = await database.read(look)
        done = await services.dry_run(organization, Wish(body.source, alert=body.alert, profile=body.profile))
        said = {"on": done.on, "starts": done.starts, "why": done.why}
        return JSONResponse(said | {"report": told(done.report)})

    return router


def _readable(tx: Transaction, organization_id: str, playbook_id: str, name: str) -> Playbook:
    """Return the playbook as it was saved; where that cannot be read, one that anything can be tried on."""
    saved = read(text_of(tx, organization_id, playbook_id)).playbook
    return saved or Playbook(ringfence=1, name=name, trigger=NO_TRIGGER)


def _wish(tx: Transaction, organization_id: str, playbook: Playbook, on: Subject) -> Wish:
    if on.alert or on.profile:
        return Wish("", alert=on.alert, profile=on.profile)
    newest = queue.page(tx, organization_id, limit=1).alerts
    if newest and (isinstance(playbook.trigger, DefenderAlertTrigger) or playbook.trigger == NO_TRIGGER):
        return Wish("", alert=newest[0].id)
    return Wish("", document={})


def _value(asked: Previewing, document: Mapping[str, Json]) -> Json:
    if asked.kind == "value":
        return compile_template(asked.text).render(document)
    if "${" in asked.text:
        raise Invalid("Here the field is an expression itself.", advice="Write it without ${ }.")
    return compile_expression(asked.text).evaluate(document)


def _outline(value: Json, depth: int) -> Json:
    """Leave out what is too much to look at: long texts, all but the first items of lists, what is too deep."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_TEXT else f"{value[:_LONGEST_TEXT]}…"
    if depth >= _DEEPEST and isinstance(value, dict | list):
        return "…"
    if isinstance(value, dict):
        return {key: _outline(inner, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_outline(inner, depth + 1) for inner in value[:_MOST_ITEMS]]
    return value


def told(report: Report) -> dict[str, Any]:
    """Give a report as the canvas shows it."""
    return {"status": report.status, "error": report.error, "steps": [_told(each) for each in report.steps]}


def _told(each: StepReport) -> dict[str, Any]:
    return {
        "step": each.step,
        "status": each.status,
        "end": each.end,
        "how": each.how.value,
        "input": each.input,
        "output": each.output,
        "error": each.error,
        "said": list(each.said),
        "unsure": list(each.unsure),
        "iteration": each.iteration,
        "round": each.round,
    }
