"""/me/tokens: tokens for programs: one's own, and for administrators those of services and of everybody."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import NotFound, RingfenceError
from ringfence.security import tokens
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Permission, Role, parse_role, require
from ringfence.security.tokens import Token
from ringfence.storage import Transaction
from ringfence.web import kept
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

_P = Permission
DAYS = (7, 30, 90, 180, 365)


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter(dependencies=[needs(Permission.SELF_MANAGE)])
    database = services.database

    async def show(
        request: Request,
        actor: Asker,
        *,
        problem: RingfenceError | None = None,
        made: tuple[Token, str] | None = None,
        values: dict[str, Any] | None = None,
    ) -> Response:
        manages = actor.may(_P.TOKEN_MANAGE)

        def look(tx: Transaction) -> tuple[list[Token], list[Token]]:
            own = tokens.listing(tx, actor.organization_id, user_id=actor.user_id)
            others = tokens.listing(tx, actor.organization_id) if manages else []
            return own, [each for each in others if each.user_id != actor.user_id]

        own, others = await database.read(look)
        context = {
            "own": own,
            "others": others,
            "manages": manages,
            "scopes": sorted(actor.permissions - tokens.NEVER),
            "roles": [role for role in Role if tuple(Role).index(role) <= tuple(Role).index(actor.role)],
            "days": DAYS,
            "problem": problem,
            "made": made,
            "values": values or _again(kept.found(request, services.settings)),
        }
        response = pages.render(request, "me/tokens.html", context, status=problem.status if problem else 200)
        return kept.forget(response, request, services.settings)

    @router.get("/me/tokens")
    async def listing(request: Request, actor: Asker) -> Response:
        return await show(request, actor)

    @router.post("/me/tokens", dependencies=[kept.proven("name", "scope", "days", "role")])
    async def make(
        request: Request,
        actor: Asker,
        name: Annotated[str, Form(max_length=400)] = "",
        scope: Annotated[list[str] | None, Form()] = None,
        days: Annotated[int, Form()] = 30,
        role: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        values = {"name": name, "scope": scope or [], "days": days, "role": role}

        def work(tx: Transaction) -> tuple[Token, str]:
            if role:
                require(actor, _P.TOKEN_MANAGE)
            return tokens.create(
                tx,
                actor,
                name,
                tokens.parse_scopes(scope or ()),
                timedelta(days=max(0, min(days, 10_000))),
                service_role=parse_role(role) if role else None,
            )

        try:
            made = await database.run(work)
        except RingfenceError as problem:
            return await show(request, actor, problem=problem, values=values)
        return await show(request, actor, made=made)

    @router.post("/me/tokens/{token_id}/revoke")
    async def revoke(actor: Asker, token_id: str) -> Response:
        def work(tx: Transaction) -> None:
            found = tokens.get(tx, actor.organization_id, token_id)
            if found.user_id != actor.user_id and not actor.may(_P.TOKEN_MANAGE):
                raise NotFound("There is no such token.", advice="Look at the list of tokens.")
            tokens.revoke(tx, found, actor.name)

        await database.run(work)
        return RedirectResponse("/me/tokens", 303)

    return router


def _again(typed: kept.Typed) -> dict[str, Any]:
    values: dict[str, Any] = {**kept.words(typed), "scope": typed.get("scope", [])}
    return values | {"days": next((each for each in DAYS if str(each) == values.get("days")), 30)}
