"""/identity-providers: where people sign in by OpenID Connect; nothing is saved that did not answer as a provider does."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import httpx
from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.errors import Outdated, RingfenceError
from ringfence.organizations import identities
from ringfence.security import providers
from ringfence.security.access import Asker, needs
from ringfence.security.egress import networks
from ringfence.security.oidc import ProviderFailed, RelyingParty
from ringfence.security.proof import PROVEN
from ringfence.security.providers import GROUPS_CLAIM, NAME_CLAIM, SCOPES, NewProvider, Provider
from ringfence.security.rbac import Permission, Role, parse_role
from ringfence.storage import Transaction
from ringfence.storage.scope import everywhere
from ringfence.web import kept, overtaken
from ringfence.web.rendering import Pages
from ringfence.web.services import Services

Text = Annotated[str, Form(max_length=2_000)]
Long = Annotated[str, Form(max_length=80_000)]

FIELDS = (
    "name", "label", "issuer", "client_id", "scopes", "groups_claim", "name_claim", "domains", "mapping", "default_role",
    "button", "about", "seen",
)  # fmt: skip


def routes(services: Services, pages: Pages, transport: httpx.AsyncBaseTransport | None = None) -> APIRouter:
    """Return the routes of this page; `transport` replaces the network."""
    router = APIRouter(dependencies=[needs(Permission.SIGN_IN_MANAGE)])
    database, vault = services.database, services.sender.vault

    async def tested(issuer: str) -> None:
        await RelyingParty(networks(services.settings.identity_private), transport).test(issuer)

    async def show(
        request: Request,
        asker: Asker,
        *,
        problem: RingfenceError | None = None,
        values: dict[str, Any] | None = None,
    ) -> Response:
        here = asker.organization_id

        def look(tx: Transaction) -> tuple[list[tuple[Provider, tuple[str, ...]]], dict[str, Any]]:
            every = [(each, identities.written(tx, each)) for each in providers.every(tx, here)]
            edited = next((each for each in every if each[0].name == request.query_params.get("edit")), None)
            return every, _values(*edited, providers.edition(tx, here, edited[0].name)) if edited else {}

        # Rules may name other organizations.
        with everywhere():
            found, edited = await database.read(look)
        typed = kept.words(kept.found(request, services.settings))
        context = {
            "providers": found,
            "roles": list(Role),
            "problem": overtaken.told(problem) if problem else None,
            "problems": getattr(problem, "problems", ()),
            "values": values if values is not None else typed or edited,
            "origin": services.sender.address,
        }
        status = problem.status if problem is not None else 200
        response = pages.render(request, "identity_providers/list.html", context, status=status)
        return kept.forget(response, request, services.settings)

    @router.get("/identity-providers")
    async def listing(request: Request, asker: Asker) -> Response:
        return await show(request, asker)

    @router.post("/identity-providers", dependencies=[kept.proven(*FIELDS)])
    async def put(
        request: Request,
        asker: Asker,
        name: Text = "",
        label: Text = "",
        issuer: Text = "",
        client_id: Text = "",
        secret: Text = "",
        scopes: Text = "",
        groups_claim: Text = "",
        name_claim: Text = "",
        domains: Text = "",
        mapping: Long = "",
        default_role: Text = "",
        button: Literal["", "on"] = Form(""),
        about: Text = "",
        seen: Text = "",
    ) -> Response:
        said = {
            "name": name, "label": label, "issuer": issuer, "client_id": client_id, "scopes": scopes,
            "groups_claim": groups_claim, "name_claim": name_claim, "domains": domains, "mapping": mapping,
            "default_role": default_role, "button": button, "about": about, "seen": seen,
        }  # fmt: skip

        def meant(tx: Transaction) -> NewProvider:
            new = NewProvider(
                name=name.strip(),
                issuer=issuer.strip(),
                client_id=client_id.strip(),
                secret=secret.strip() or None,
                label=label.strip(),
                scopes=scopes.strip() or SCOPES,
                groups_claim=groups_claim.strip() or GROUPS_CLAIM,
                name_claim=name_claim.strip() or NAME_CLAIM,
                domains=tuple(domains.casefold().replace(",", " ").split()),
                button=button == "on",
                mapping=tuple(
                    identities.rule(tx, each, asker.organization_id) for each in mapping.splitlines() if each.strip()
                ),
                default_role=parse_role(default_role) if default_role else None,
            )
            providers.check(new)
            return new

        try:
            with everywhere():
                new = await database.read(meant)
                await tested(new.issuer)
                await database.run(
                    lambda tx: providers.put(
                        tx, vault, asker, new, tested=True, seen=overtaken.seen_of(new.name, about, seen)
                    )
                )
        except Outdated as problem:
            now = await database.read(lambda tx: providers.edition(tx, asker.organization_id, new.name))
            return await show(request, asker, problem=problem, values=said | {"about": new.name, "seen": now})
        except RingfenceError as problem:
            return await show(request, asker, problem=problem, values=said)
        return RedirectResponse("/identity-providers", 303)

    @router.post("/identity-providers/{name}/test")
    async def test(request: Request, asker: Asker, name: str) -> Response:
        found = await database.read(lambda tx: providers.by_name(tx, name, organization_id=asker.organization_id))
        problem: ProviderFailed | None = None
        try:
            await tested(found.issuer)
        except ProviderFailed as error:
            problem = error
        noted = problem
        await database.run(lambda tx: providers.note(tx, found.id, noted))
        if problem is not None:
            return await show(request, asker, problem=problem)
        return RedirectResponse("/identity-providers", 303)

    async def act(work: Callable[[Transaction], object]) -> Response:
        await database.run(work)
        return RedirectResponse("/identity-providers", 303)

    @router.post("/identity-providers/{name}/enable", dependencies=[PROVEN])
    async def enable(asker: Asker, name: str) -> Response:
        return await act(lambda tx: providers.switch(tx, asker, name, on=True))

    @router.post("/identity-providers/{name}/disable", dependencies=[PROVEN])
    async def disable(asker: Asker, name: str) -> Response:
        return await act(lambda tx: providers.switch(tx, asker, name, on=False))

    @router.post("/identity-providers/{name}/remove", dependencies=[PROVEN])
    async def remove(asker: Asker, name: str) -> Response:
        return await act(lambda tx: providers.remove(tx, asker, name))

    return router


def _values(found: Provider, mapping: tuple[str, ...], seen: str) -> dict[str, Any]:
    names = ("name", "label", "issuer", "client_id", "scopes", "groups_claim", "name_claim")
    return {name: getattr(found, name) for name in names} | {
        "domains": ", ".join(found.domains),
        "mapping": "\n".join(mapping),
        "default_role": found.default_role.value if found.default_role else "",
        "button": "on" if found.button else "",
        "about": found.name,
        "seen": seen,
    }
