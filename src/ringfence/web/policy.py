"""/policy: what may be contained and where each line comes from, its layers and their versions, and what stops containing."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.accounts import records
from ringfence.accounts.model import Account
from ringfence.containment import brakes, policies, written
from ringfence.containment.layers import Difference, check, differences
from ringfence.containment.policies import Scope, Version
from ringfence.containment.policy import about
from ringfence.errors import Invalid, RingfenceError
from ringfence.playbooks import library
from ringfence.playbooks.durations import Duration
from ringfence.security.access import needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction, changes
from ringfence.storage.scope import everywhere as all_rows
from ringfence.web.rendering import Live, Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_LARGEST = 200_000
_SHOWN_VERSIONS = 50


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person wrote for a layer; `seen` proves that they were shown what exactly this text changes."""

    text: str
    note: str
    expected: int
    seen: str = ""

    @property
    def mark(self) -> str:
        """What tells one text and version from another."""
        return hashlib.sha256(f"{self.expected}\n{self.text}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Step:
    """One version of a layer, and what it changed against the one before."""

    version: Version
    changed: tuple[Difference, ...]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.POLICY_READ)])
    database = services.database

    async def overview(
        request: Request, session: SignedIn, group: str = "", problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[int, dict[str, object]]:
            groups = policies.groups(tx, organization)
            own = [policies.PROVIDER, Scope(organization), *(Scope(organization, each) for each in groups)]
            return changes.latest(tx), {
                "standing": policies.standing(tx, organization, group or None),
                "groups": groups,
                "layers": [policies.newest(tx, each) for each in own],
                "switches": policies.stops(tx, organization),
                "tripped": brakes.listed(tx, organization, limit=10),
                "lifted": brakes.lifted(tx, organization),
                "accounts": records.every(tx, organization),
                "for_all": policies.speaks_for_all(),
                "own": Scope(organization),
            }

        number, context = await database.read(look)
        context |= {"group": group, "problem": problem, "shown": written.shown, "about": about}
        live = Live(("policy", "brake"), number)
        status = problem.status if problem else 200
        return pages.render(request, "policy/show.html", context, live=live, status=status)

    @router.get("/policy")
    async def show(request: Request, session: SignedIn, group: str = "") -> Response:
        return await overview(request, session, group[:200])

    @router.get("/policy/explain")
    async def explain(
        request: Request,
        session: SignedIn,
        machine: str = "",
        account: str = "",
        asker: Literal["playbook", "person"] = "playbook",
        playbook: str = "",
        alert: str = "",
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[list[Account], list[str]]:
            return records.every(tx, organization), [each.name for each in library.every(tx, organization)]

        accounts, playbooks = await database.read(look)
        found, problem = None, None
        if machine.strip():
            try:
                found = await services.explain(
                    organization_id=organization,
                    target=machine.strip(),
                    account=account or None,
                    by_person=asker == "person",
                    playbook=playbook or None,
                    alert=alert.strip() or None,
                )
            except RingfenceError as error:
                problem = error
        context = {
            "found": found,
            "problem": problem,
            "accounts": accounts,
            "playbooks": playbooks,
            "values": {
                "machine": machine, "account": account, "asker": asker, "playbook": playbook, "alert": alert
            },
            "shown": written.shown,
        }  # fmt: skip
        return pages.render(request, "policy/explain.html", context, status=problem.status if problem else 200)

    async def layer_page(
        request: Request,
        session: SignedIn,
        where: Scope,
        draft: Draft | None = None,
        changed: tuple[Difference, ...] | None = None,
        problem: RingfenceError | None = None,
    ) -> Response:

        def look(tx: Transaction) -> tuple[Version, list[Version], bool]:
            kept = policies.history(tx, where)
            may = where.organization_id is not None or policies.speaks_for_all()
            return policies.newest(tx, where), kept[: _SHOWN_VERSIONS + 1], may

        newest, kept, may = await database.read(look)
        before = [*(each.document for each in kept[1:]), {}]
        steps = [Step(each, differences(old, each.document)) for old, each in zip(before, kept, strict=False)]
        draft = draft or Draft(written.write(newest.document, guide=True), "", newest.version)
        context = {
            "where": where,
            "newest": newest,
            "steps": steps[:_SHOWN_VERSIONS],
            "draft": draft,
            "changed": changed,
            "editable": may,
            "problem": problem,
            "problems": problem.problems if isinstance(problem, Invalid) else (),
            "shown": written.shown,
        }
        return pages.render(request, "policy/layer.html", context, status=problem.status if problem else 200)

    @router.get("/policy/layers/{scope:path}")
    async def layer(request: Request, session: SignedIn, scope: str) -> Response:
        return await layer_page(request, session, policies.scope(scope, session.user.organization_id))

    @router.get("/policy/group")
    async def group_layer(session: SignedIn, name: str = "") -> Response:
        where = policies.scope(f"group:{name.strip()}", session.user.organization_id)
        return RedirectResponse(f"/policy/layers/{_quoted(where)}", 303)

    @router.post("/policy/layers/{scope:path}", dependencies=[needs(Permission.POLICY_CHANGE)])
    async def save(
        request: Request,
        session: SignedIn,
        scope: str,
        text: Annotated[str, Form(max_length=_LARGEST)] = "",
        note: Annotated[str, Form(max_length=500)] = "",
        expected: Annotated[int, Form(ge=0)] = 0,
        seen: Annotated[str, Form(max_length=64)] = "",
        do: Annotated[Literal["preview", "save"], Form()] = "preview",
    ) -> Response:
        organization = session.user.organization_id
        where = policies.scope(scope, organization)
        draft = Draft(text.replace("\r\n", "\n"), note, expected, seen)
        try:
            document = written.read(draft.text)
            check(document)
            before = await database.read(lambda tx: policies.newest(tx, where))
            changed = differences(before.document, document)
            # Only what they were shown is saved: a text that was edited since is shown again first.
            if do == "preview" or draft.seen != draft.mark or not changed:
                return await layer_page(request, session, where, draft, changed)

            def work(tx: Transaction) -> Version:
                policies.demand_own(where)
                return policies.write(tx, where, document, expected_version=expected, by=session.user.name, note=note)

            with all_rows(only_if=where.organization_id is None):
                await database.run(work)
        except RingfenceError as problem:
            return await layer_page(request, session, where, draft, None, problem)
        return RedirectResponse(f"/policy/layers/{_quoted(where)}", 303)

    async def switch(request: Request, session: SignedIn, *, on: bool, reason: str, everywhere: str) -> Response:
        organization = session.user.organization_id
        where = policies.PROVIDER if everywhere == "yes" else Scope(organization)

        def work(tx: Transaction) -> Version:
            policies.demand_own(where)
            return policies.freeze(tx, where, on=on, by=session.user.name, reason=reason)

        try:
            with all_rows(only_if=where.organization_id is None):
                await database.run(work)
        except RingfenceError as problem:
            return await overview(request, session, problem=problem)
        return RedirectResponse("/policy", 303)

    @router.post("/policy/freeze", dependencies=[needs(Permission.POLICY_STOP)])
    async def freeze(
        request: Request,
        session: SignedIn,
        reason: Annotated[str, Form(max_length=500)] = "",
        everywhere: Annotated[str, Form()] = "",
    ) -> Response:
        return await switch(request, session, on=True, reason=reason, everywhere=everywhere)

    @router.post("/policy/unfreeze", dependencies=[needs(Permission.POLICY_STOP), PROVEN])
    async def unfreeze(
        request: Request,
        session: SignedIn,
        reason: Annotated[str, Form(max_length=500)] = "",
        everywhere: Annotated[str, Form()] = "",
    ) -> Response:
        return await switch(request, session, on=False, reason=reason, everywhere=everywhere)

    @router.post("/policy/brakes/lift", dependencies=[needs(Permission.POLICY_STOP), PROVEN])
    async def lift(
        request: Request,
        session: SignedIn,
        reason: Annotated[str, Form(max_length=500)] = "",
        duration: Annotated[str, Form(max_length=40)] = "1 h",
        more: Annotated[str, Form(max_length=9)] = "",
    ) -> Response:
        try:
            wanted, seconds = _number(more), _seconds(duration)
            await database.run(
                lambda tx: brakes.lift(
                    tx, session.user.organization_id, seconds=seconds, by=session.user.name, reason=reason, more=wanted
                )
            )
        except RingfenceError as problem:
            return await overview(request, session, problem=problem)
        return RedirectResponse("/policy", 303)

    return router


def _quoted(where: Scope) -> str:
    return quote(where.name, safe=":")


def _number(text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit():
        raise Invalid("So many more must be a whole number.", advice="Leave it empty to let any number go on.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return Duration.parse(text.strip()).seconds
    except ValueError as error:
        raise Invalid(str(error)) from None
