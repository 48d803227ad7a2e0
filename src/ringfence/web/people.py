"""/people: who works in the organization as what, invitations, and teams."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Outdated, RingfenceError
from ringfence.organizations import invitations, members, teams
from ringfence.organizations.invitations import Invitation
from ringfence.organizations.members import Member
from ringfence.organizations.teams import Team
from ringfence.security.access import Asker, needs
from ringfence.security.proof import PROVEN
from ringfence.security.rbac import PERMISSIONS, Permission, Role, parse_role
from ringfence.storage import Transaction
from ringfence.storage.scope import everywhere
from ringfence.web import overtaken
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

Text = Annotated[str, Form(max_length=400)]
_MANAGE = [needs(Permission.USER_MANAGE), PROVEN]


@dataclass(frozen=True, slots=True)
class _TypedTeam:
    """What is in the form of a team: `seen` is the edition that was seen of the team named `about`."""

    name: str = ""
    people: str = ""
    about: str = ""
    seen: str = ""


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.USER_READ)])
    database, origin = services.database, services.sender.address

    def look(tx: Transaction, here: str) -> tuple[list[Member], list[Team], dict[str, tuple[str, ...]]]:
        known = teams.every(tx, here)
        return members.every(tx, here), known, {each.id: teams.strangers(tx, each) for each in known}

    async def show(
        request: Request,
        asker: Asker,
        problem: RingfenceError | None = None,
        invited: Invitation | None = None,
        team: _TypedTeam | None = None,
    ) -> Response:
        here = asker.organization_id
        # Whoever is System Administrator is so everywhere, and is shown as that.
        with everywhere():
            found, known, strangers = await database.read(lambda tx: look(tx, here))
        ladder = list(Role)
        changed = next((each for each in known if each.name == request.query_params.get("team")), None)
        typed = team or (await typed_of(changed) if changed else _TypedTeam())
        context = {
            "members": found,
            "teams": known,
            "strangers": strangers,
            "roles": [role for role in ladder if ladder.index(role) <= ladder.index(asker.role)],
            "table": [(each.sentence, [each in PERMISSIONS[role] for role in ladder]) for each in Permission],
            "all_roles": ladder,
            "invited": invited,
            "link": _link(origin, invited.token) if invited is not None and invited.token else "",
            "team": typed,
            "problem": overtaken.told(problem) if problem else None,
        }
        return pages.render(request, "people/list.html", context, status=problem.status if problem is not None else 200)

    async def typed_of(team: Team) -> _TypedTeam:
        current = await database.read(lambda tx: teams.edition(tx, team.organization_id, team.name))
        return _TypedTeam(team.name, "\n".join(team.people), team.name, current)

    async def done(request: Request, asker: Asker, work: Callable[[Transaction], Invitation | None]) -> Response:
        try:
            with everywhere():
                invited = await database.run(work)
        except RingfenceError as problem:
            return await show(request, asker, problem)
        if invited is None:
            return RedirectResponse("/people", 303)
        # The address is shown once, on the answer itself: it is stored nowhere.
        return await show(request, asker, invited=invited)

    @router.get("/people")
    async def listing(request: Request, asker: Asker) -> Response:
        return await show(request, asker)

    @router.post("/people", dependencies=_MANAGE)
    async def invite(request: Request, asker: Asker, name: Text = "", role: Text = "") -> Response:
        def work(tx: Transaction) -> Invitation:
            return invitations.invite(tx, asker.organization_id, name, parse_role(role), asker)

        return await done(request, asker, work)

    @router.post("/people/{user_id}/role", dependencies=_MANAGE)
    async def change_role(request: Request, asker: Asker, user_id: str, role: Text = "") -> Response:
        def work(tx: Transaction) -> None:
            members.change_role(tx, asker.organization_id, user_id, parse_role(role), asker)

        return await done(request, asker, work)

    @router.post("/people/{user_id}/link", dependencies=_MANAGE)
    async def new_link(request: Request, asker: Asker, user_id: str) -> Response:
        def work(tx: Transaction) -> Invitation:
            return invitations.renew(tx, asker.organization_id, user_id, asker)

        return await done(request, asker, work)

    @router.post("/people/{user_id}/remove", dependencies=_MANAGE)
    async def remove(request: Request, asker: Asker, user_id: str) -> Response:
        def work(tx: Transaction) -> None:
            members.remove(tx, asker.organization_id, user_id, asker)

        return await done(request, asker, work)

    @router.post("/teams", dependencies=[needs(Permission.TEAM_MANAGE)])
    async def put_team(
        request: Request,
        asker: Asker,
        name: Text = "",
        people: Annotated[str, Form(max_length=20_000)] = "",
        about: Text = "",
        seen: Annotated[str, Form(max_length=100)] = "",
    ) -> Response:
        here, wanted = asker.organization_id, [each for each in people.splitlines() if each.strip()]
        typed = _TypedTeam(name, people, about, seen)
        try:
            await database.run(lambda tx: teams.put(tx, here, name, wanted, seen=overtaken.seen_of(name, about, seen)))
        except Outdated as problem:
            now = await database.read(lambda tx: teams.edition(tx, here, name))
            return await show(request, asker, problem, team=replace(typed, about=name.strip(), seen=now))
        except RingfenceError as problem:
            return await show(request, asker, problem, team=typed)
        return RedirectResponse("/people", 303)

    @router.post("/teams/remove", dependencies=[needs(Permission.TEAM_MANAGE)])
    async def remove_team(request: Request, asker: Asker, name: Text = "") -> Response:
        def work(tx: Transaction) -> None:
            teams.remove(tx, asker.organization_id, name)

        return await done(request, asker, work)

    return router


def _link(origin: str, token: str) -> str:
    return f"{origin}/sign-in/link?{urlencode({'token': token})}"
