"""/answer: answer a question by a link, without signing in. Opening it changes nothing, since mail scanners open links too."""

from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import Response

from ringfence.approvals.model import Approval, Subject
from ringfence.containment import policies
from ringfence.errors import RingfenceError, Unavailable
from ringfence.notifications import links
from ringfence.security.crypto import Vault
from ringfence.storage import Transaction
from ringfence.web.approvals import shown
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.shared_rate import SharedRate

_PER_MINUTE = 30


class TooMany(Unavailable):
    """Too many links were opened from one address."""

    code = "too_many"
    status = 429


def routes(services: Services, pages: Pages) -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()
    database, vault = services.database, services.sender.vault
    rate = SharedRate(database, "answer", _PER_MINUTE)

    async def demand(request: Request) -> None:
        wait = await rate.wait(request.client.host if request.client else "")
        if wait:
            raise TooMany("Too many links were opened.", advice=f"Wait {wait} s and open it again.")

    def page(
        request: Request,
        token: str,
        opened: links.Opened | None = None,
        problem: RingfenceError | None = None,
        said: str = "",
        ended: Approval | None = None,
        *,
        stopped: bool = False,
    ) -> Response:
        context = {
            "each": shown(opened.approval, opened.person) if opened else None,
            "opened": opened,
            "stopped": stopped,
            "token": token,
            "problem": problem,
            "said": said,
            "ended": ended,
        }
        return pages.render(request, "approvals/link.html", context, status=problem.status if problem else 200)

    async def over(request: Request, token: str, problem: links.DeadLink) -> Response:
        """Say how the question ended, to whoever comes back to a link of theirs."""
        ended = await database.read(lambda tx: links.ended(tx, vault, token))
        return page(request, "", problem=problem, ended=ended)

    @router.get("/answer")
    async def ask(request: Request, token: str = "") -> Response:
        try:
            await demand(request)
            opened, stopped = await database.read(lambda tx: _look(tx, vault, token))
        except links.DeadLink as problem:
            return await over(request, token, problem)
        except RingfenceError as problem:
            return page(request, "", problem=problem)
        return page(request, token, opened, stopped=stopped)

    @router.post("/answer")
    async def answer(
        request: Request,
        token: Annotated[str, Form(max_length=400)] = "",
        comment: Annotated[str, Form(max_length=2_000)] = "",
    ) -> Response:
        try:
            await demand(request)
            after = await database.run(lambda tx: links.use(tx, vault, token, comment=comment))
        except links.DeadLink as problem:
            return await over(request, token, problem)
        except RingfenceError as problem:
            return page(request, "", problem=problem)
        missing = after.question.needed - after.yeses
        return page(request, "", said=after.detail or f"Thank you. {missing} more must approve it.")

    return router


def _look(tx: Transaction, vault: Vault, token: str) -> tuple[links.Opened, bool]:
    """Return what a link opens, and whether saying yes by it would contain nothing, since the kill switch is on."""
    opened = links.look(tx, vault, token)
    asked = opened.approval
    stops = policies.stops(tx, asked.organization_id) if asked.question.subject is Subject.CONTAINMENT else ()
    return opened, opened.yes and any(each.scope.device_group is None for each in stops)
