"""/notifications/rules: who is told of what and when, and what a rule would have sent in the last seven days."""

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import NotFound, Outdated, RingfenceError
from ringfence.notifications import outbox, routing, rulebook, shapes
from ringfence.notifications.events import KINDS
from ringfence.notifications.routing import SEVERITIES, Book, Rule, Who
from ringfence.notifications.rulebook import Line
from ringfence.organizations import teams
from ringfence.security.access import needs, who
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.web import overtaken
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sessions import SignedIn

Text = Annotated[str, Form(max_length=4_000)]
Chosen = Annotated[list[str] | None, Form()]
_NEW = Rule("", Who())


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of these pages."""
    router = APIRouter(dependencies=[needs(Permission.NOTIFICATION_READ)])
    database = services.database
    manages = [needs(Permission.NOTIFICATION_MANAGE)]

    async def form(
        request: Request,
        session: SignedIn,
        rule: Rule,
        *,
        after: str = "",
        seen: str = "",
        problem: RingfenceError | None = None,
        lines: list[Line] | None = None,
    ) -> Response:
        organization = session.user.organization_id

        def look(tx: Transaction) -> tuple[Book, list[str]]:
            return rulebook.book(tx, organization), sorted(teams.everybody(tx, organization))

        book, people = await database.read(look)
        channels = [each.name for each in book.channels if each.kind != "address"]
        known = [*(f"channel:{each}" for each in channels), *(f"person:{each}" for each in people)]
        known += [f"team:{each}" for each in book.teams]
        context: dict[str, Any] = {
            "rule": rule,
            "recipients": known,
            "kinds": {each.value: kind for each, kind in KINDS.items()},
            "severities": SEVERITIES,
            "after": after,
            "seen": seen,
            "problem": overtaken.told(problem) if problem else None,
            "lines": lines,
            "unreached": [*routing.missing(book, rule.who), *routing.missing(book, rule.escalate_to)],
            "manages": who(request).may(Permission.NOTIFICATION_MANAGE),
        }
        status = problem.status if problem else 200
        return pages.render(request, "notifications/rule.html", context, status=status)

    @router.get("/notifications/rules")
    async def listing(request: Request, session: SignedIn) -> Response:
        book = await database.read(lambda tx: rulebook.book(tx, session.user.organization_id))
        context = {
            "rules": book.rules,
            "length": duration_of,
            "unreached": {
                each.id: [*routing.missing(book, each.who), *routing.missing(book, each.escalate_to)]
                for each in book.rules
            },
        }
        return pages.render(request, "notifications/rules.html", context)

    @router.get("/notifications/rules/new", dependencies=manages)
    async def new(request: Request, session: SignedIn) -> Response:
        return await form(request, session, _NEW)

    @router.get("/notifications/rules/{rule_id}")
    async def one(request: Request, session: SignedIn, rule_id: str) -> Response:
        organization = session.user.organization_id
        rule = await database.read(lambda tx: rulebook.by_name(tx, organization, rule_id))
        lines = await database.read(lambda tx: rulebook.preview(tx, organization, rule))
        after = duration_of(rule.escalate_after) if rule.escalate_after is not None else ""
        return await form(request, session, rule, after=after, seen=rulebook.edition(rule), lines=lines)

    @router.post("/notifications/rules/save", dependencies=manages)
    async def save(
        request: Request,
        session: SignedIn,
        rule_id: Annotated[str, Form(max_length=100)] = "",
        name: Text = "",
        to: Chosen = None,
        addresses: Text = "",
        event: Chosen = None,
        severity: Text = "",
        groups: Text = "",
        quiet: Text = "",
        after: Text = "",
        escalate_to: Chosen = None,
        escalate_addresses: Text = "",
        enabled: Text = "",
        seen: Annotated[str, Form(max_length=100)] = "",
        do: Annotated[str, Form(max_length=20)] = "save",
    ) -> Response:
        organization = session.user.organization_id
        rule = Rule(
            name,
            _who(to, addresses),
            tuple(event or ()),
            severity,
            tuple(each.strip() for each in groups.splitlines() if each.strip()),
            quiet,
            None,
            _who(escalate_to, escalate_addresses),
            bool(enabled),
            rule_id,
        )
        try:
            rule = replace(rule, escalate_after=shapes.wait(after))
            if do == "preview":
                lines = await database.read(lambda tx: rulebook.preview(tx, organization, rule))
                return await form(request, session, rule, after=after, seen=seen, lines=lines)
            await database.run(lambda tx: rulebook.put(tx, organization, rule, by=session.user.name, seen=seen))
        except Outdated as problem:
            now = await database.read(lambda tx: rulebook.by_name(tx, organization, rule_id))
            seen = rulebook.edition(now)
            return await form(request, session, rule, after=after, seen=seen, problem=problem)
        except NotFound as problem:
            # Saved again it is made anew.
            gone = Outdated("Somebody has removed it since it was read.") if rule_id else problem
            return await form(request, session, replace(rule, id=""), after=after, problem=gone)
        except RingfenceError as problem:
            return await form(request, session, rule, after=after, seen=seen, problem=problem)
        return RedirectResponse("/notifications/rules", 303)

    @router.post("/notifications/rules/{rule_id}/remove", dependencies=manages)
    async def remove(session: SignedIn, rule_id: str) -> Response:
        await database.run(lambda tx: rulebook.remove(tx, session.user.organization_id, rule_id, by=session.user.name))
        return RedirectResponse("/notifications/rules", 303)

    @router.post("/notifications/notices/{notice_id}/take", dependencies=[needs(Permission.INCIDENT_WORK)])
    async def take(session: SignedIn, notice_id: str) -> Response:
        await database.run(lambda tx: outbox.take(tx, session.user.organization_id, notice_id, by=session.user.name))
        return RedirectResponse("/notifications", 303)

    return router


def duration_of(seconds: float) -> str:
    """Return a length of time as people type it."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _who(chosen: list[str] | None, addresses: str) -> Who:
    # An address that is typed without its @ is a wrong address, and no channel.
    typed = [f"address:{each}" for each in addresses.replace(",", " ").split()]
    return shapes.who([*(chosen or ()), *typed])
