"""The form of the sign-in page, which everything shows that comes back to it."""

from starlette.requests import Request
from starlette.responses import Response

from ringfence.errors import NotFound, RingfenceError
from ringfence.notifications import channels
from ringfence.security import providers
from ringfence.security.providers import Provider
from ringfence.storage import Transaction
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Pages
from ringfence.web.services import Services


class SignInForm:
    """Shows the form, with the providers of identities at which people sign in too."""

    def __init__(self, services: Services, pages: Pages) -> None:
        self._services = services
        self._pages = pages

    async def show(
        self,
        request: Request,
        onward: str = "/",
        *,
        name: str = "",
        problem: RingfenceError | None = None,
        left: str = "",
        only: Provider | None = None,
        ended: bool = False,
    ) -> Response:
        """Return the page; `left` names the provider by which somebody was signed in, `only` the one that a name leads to.

        `ended`: the browser comes with a session that is over.
        """

        def look(tx: Transaction) -> tuple[list[Provider], Provider | None, bool]:
            try:
                gone = providers.by_name(tx, left) if left else None
            except NotFound:
                gone = None
            return [only] if only is not None else providers.buttons(tx), gone, channels.writes_mails(tx)

        buttons, gone, mails = await self._services.database.read(look)
        context = {
            "next": local_path(onward),
            "name": name,
            "problem": problem,
            "buttons": buttons,
            "left": gone,
            "only": only,
            "mails": mails,
            "ended": ended,
        }
        return self._pages.render(request, "sign_in/form.html", context, status=problem.status if problem else 200)
