"""/sign-in/provider/NAME: at a provider of identities, and back."""

from collections.abc import Mapping
from typing import Annotated, Literal

import httpx
from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Conflict, Invalid, NotFound, NotSignedIn, RingfenceError
from ringfence.organizations import identities
from ringfence.security import proof, providers, sessions, steps
from ringfence.security.egress import networks
from ringfence.security.oidc import Client, ProviderFailed, RelyingParty
from ringfence.security.people import User
from ringfence.security.providers import Provider, SwitchedOff
from ringfence.security.steps import Kind
from ringfence.storage import Transaction
from ringfence.web import cookies
from ringfence.web.entrance import Entrance
from ringfence.web.navigation import local_path
from ringfence.web.rendering import Pages
from ringfence.web.services import Services
from ringfence.web.sign_in_form import SignInForm


def routes(services: Services, pages: Pages, transport: httpx.AsyncBaseTransport | None = None) -> APIRouter:
    """Return the routes of these pages; `transport` replaces the network."""
    router = APIRouter()
    database, settings, vault = services.database, services.settings, services.sender.vault
    entrance, form = Entrance(services), SignInForm(services, pages)
    party: dict[str, RelyingParty] = {}

    def relying() -> RelyingParty:
        # Made at the first sign-in: the setting is read then.
        private = str(settings.identity_private)
        if private not in party:
            party[private] = RelyingParty(networks(private), transport)
        return party[private]

    def origin(request: Request) -> str:
        public = settings.public_url
        return public.rstrip("/") if public else f"{request.url.scheme}://{request.url.netloc}"

    async def known(request: Request, name: str) -> tuple[Provider, Client]:
        def look(tx: Transaction) -> tuple[Provider, str | None]:
            found = providers.demand_on(providers.by_name(tx, name))
            return found, providers.secret_of(tx, vault, found)

        found, secret = await database.read(look)
        back = f"{origin(request)}/sign-in/provider/{found.name}/callback"
        return found, Client(found.issuer, found.client_id, secret, found.scopes, back)

    @router.get("/sign-in/provider/{name}")
    async def leave(
        request: Request,
        name: str,
        onward: Annotated[str, Query(alias="next")] = "/",
        purpose: Literal["enter", "confirm", "link"] = "enter",
    ) -> Response:
        session: sessions.Session | None = request.state.session
        provider: Provider | None = None
        try:
            provider, client = await known(request, name)
            begun = await relying().begin(client, prove_again=purpose == "confirm")
        except (ProviderFailed, SwitchedOff, Invalid, NotFound) as problem:
            return await refused(request, provider, problem)
        facts = {**begun.facts, "provider": provider.id, "next": local_path(onward)}
        if session is not None and purpose != "enter":
            if purpose == "link":
                proof.demand(request)
            facts |= {"session": session.id, "purpose": purpose}
        token = await database.run(lambda tx: steps.begin(tx, Kind.PROVIDER, facts))
        response = RedirectResponse(begun.address, 303)
        cookies.set_step(response, request, settings, token, int(steps.LIFETIME.total_seconds()))
        return response

    @router.get("/sign-in/provider/{name}/callback")
    async def come_back(request: Request, name: str) -> Response:
        given = dict(request.query_params)
        provider: Provider | None = None
        try:
            # Used up before anything is asked of the provider: one answer counts once.
            token = cookies.step_token(request, settings)
            step = await database.run(lambda tx: steps.finish(tx, Kind.PROVIDER, token))
            provider, client = await known(request, name)
            if step.facts["provider"] != provider.id:
                raise ProviderFailed("The answer comes from another provider than the one that was asked.")
            claims = await relying().finish(client, step.facts, given)
            if "session" in step.facts:
                return await again(request, provider, claims, step.facts)
            return await enter(request, provider, claims, str(step.facts["next"]))
        except (NotSignedIn, Invalid, NotFound, Conflict) as problem:
            return await refused(request, provider, problem)

    async def refused(request: Request, provider: Provider | None, problem: RingfenceError) -> Response:
        # What is wrong with the provider is for administrators to see, whoever was turned away.
        if provider is not None and isinstance(problem, ProviderFailed | Invalid):
            found = provider.id
            await database.run(lambda tx: providers.note(tx, found, problem))
        return await form.show(request, problem=problem)

    async def enter(request: Request, provider: Provider, claims: Mapping[str, object], onward: str) -> Response:
        def work(tx: Transaction) -> tuple[User, str] | None:
            user = identities.enter(tx, provider, claims)
            if user is None:
                return None
            return user, entrance.start(tx, request, user, f"provider {provider.name}", provider.id)

        found = await database.run(work)
        if found is None:
            raise NotSignedIn(
                f"{provider.label} knows you, but none of your groups may work here.",
                advice="Ask an administrator to give your group a role.",
            )
        user, session = found
        return entrance.enter(request, user, session, onward)

    async def again(
        request: Request, provider: Provider, claims: Mapping[str, object], facts: Mapping[str, object]
    ) -> Response:
        """Let somebody who is signed in prove it once more, or come by this identity from now on."""
        session: sessions.Session | None = request.state.session
        over = NotSignedIn("The session is over.", advice="Sign in again.")
        if session is None or session.id != facts["session"]:
            raise over
        user = session.user

        def work(tx: Transaction) -> str | None:
            if facts["purpose"] == "link":
                identities.link(tx, provider, claims, user.id)
            elif (claims["iss"], claims["sub"]) not in identities.of_user(tx, user.id):
                raise NotSignedIn("That was somebody else.", advice="Confirm it as who you are signed in.")
            return sessions.renew(tx, cookies.session_token(request, settings) or "", proven=True)

        fresh = await database.run(work)
        if fresh is None:
            raise over
        return entrance.enter(request, user, fresh, str(facts["next"]))

    @router.get("/sign-in/provider/{name}/sign-out")
    async def sign_out(request: Request, name: str) -> Response:
        try:
            _, client = await known(request, name)
            address = await relying().sign_out_address(client, f"{origin(request)}/sign-in")
        except (ProviderFailed, SwitchedOff, Invalid, NotFound) as problem:
            return await form.show(request, problem=problem)
        return RedirectResponse(address or "/sign-in", 303)

    return router
