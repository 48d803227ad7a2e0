"""/playbooks/rules: who may publish what, and whether a second person is asked."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Invalid, RingfenceError
from ringfence.organizations import teams
from ringfence.playbooks import rules
from ringfence.playbooks.rules import Rules, Standing
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.security.sessions import Session
from ringfence.storage import Transaction
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

_MOST = 200
Names = Annotated[str, Form(max_length=20_000)]


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])

    async def shown(
        request: Request, session: Session, typed: dict[str, str] | None = None, problem: RingfenceError | None = None
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[Standing, list[str]]:
            known = [each.name for each in teams.every(tx, organization)]
            return rules.standing(tx, organization), [*known, *teams.everybody(tx, organization)]

        standing, known = await services.database.read(look)
        kept = standing.rules
        named = {"publish": kept.publish, "write": kept.write, "contain": kept.contain, "approvers": kept.approvers}
        context = {
            "standing": standing,
            "known": known,
            "values": {"prove": kept.prove} | (typed or {name: ", ".join(names) for name, names in named.items()}),
            "problem": problem,
        }
        return pages.render(request, "playbooks/rules.html", context, status=problem.status if problem else 200)

    @router.get("/playbooks/rules")
    async def show(request: Request, session: SignedIn) -> Response:
        return await shown(request, session)

    @router.post("/playbooks/rules", dependencies=[needs(Permission.PLAYBOOK_RULES)])
    async def change(
        request: Request,
        session: SignedIn,
        publish: Names = "",
        write: Names = "",
        contain: Names = "",
        approvers: Names = "",
        second_person: Annotated[str, Form(max_length=5)] = "",
        prove: Annotated[Literal["off", "warn", "demand"], Form()] = "warn",
        seen: Annotated[int, Form(ge=0)] = 0,
    ) -> Response:
        typed: dict[str, str] = {"publish": publish, "write": write, "contain": contain, "approvers": approvers}
        user = session.user
        try:
            named = {name: _names(text) for name, text in typed.items()}
            wanted = Rules(**named, second_person=second_person == "yes", prove=prove)
            await services.database.run(
                lambda tx: rules.put(tx, user.organization_id, wanted, user.name, expected=seen)
            )
        except RingfenceError as problem:
            return await shown(request, session, typed | {"prove": prove}, problem)
        return RedirectResponse("/playbooks/rules", 303)

    return router


def _names(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name for name in (part.strip() for part in text.split(",")) if name))
    if len(names) > _MOST:
        raise Invalid(f"More than {_MOST} names are given.", advice="Make a team of them.")
    return names
