"""The application: middleware from the outside in, static files, one router per address."""

import re

import httpx
from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Mount
from starlette.types import ASGIApp

import ringfence
from ringfence.web import (
    account_credentials,
    account_wizard,
    accounts,
    alert_work,
    alerts,
    answers,
    approvals,
    apps,
    audit,
    containment,
    designer,
    designer_life,
    designer_new,
    designer_playing,
    designer_trials,
    drills,
    error_pages,
    events,
    executions,
    health,
    hooks,
    identity_providers,
    incidents,
    installation,
    keys,
    me,
    me_tokens,
    metrics,
    notification_rules,
    notifications,
    organizations,
    outbound,
    overview,
    palette,
    people,
    person_sign_ins,
    playbook_drafts,
    playbook_exchange,
    playbook_life,
    playbook_rules,
    playbooks,
    policy,
    proofs,
    rehearsals,
    rehearsed,
    responses,
    run_cancelling,
    run_canvas,
    run_reruns,
    selected,
    service_checks,
    service_making,
    sign_in,
    sign_in_code,
    sign_in_confirm,
    sign_in_first,
    sign_in_provider,
    sign_in_reset,
    start,
    starters,
    subscriptions,
    tables,
    theme,
    time_saved,
    trials,
    trigger_services,
    views,
    webhooks,
)
from ringfence.web.fetch_metadata import FetchMetadata
from ringfence.web.forgery import OwnOrigin, demand_token
from ringfence.web.haste import Haste
from ringfence.web.holding import Holding
from ringfence.web.incoming import Incoming
from ringfence.web.known_hosts import KnownHosts
from ringfence.web.own_rows import OwnRows
from ringfence.web.rate_limits import RateLimits
from ringfence.web.rendering import Pages
from ringfence.web.security_headers import SecurityHeaders
from ringfence.web.services import Services
from ringfence.web.sessions import Sessions
from ringfence.web.static_files import STATIC, ForeverFiles


def create_web(
    services: Services, *, api: ASGIApp | None = None, providers: httpx.AsyncBaseTransport | None = None
) -> FastAPI:
    """Return the pages, with the API at /api/v1 below the same sessions and headers.

    `providers` replaces the network to providers of identities.
    """
    pages = Pages()
    app = FastAPI(
        title="Ringfence",
        version=ringfence.__version__,
        openapi_url=None,
        dependencies=[Depends(demand_token)],
        redirect_slashes=False,
    )
    app.include_router(health.routes())
    app.include_router(metrics.routes(services))
    app.include_router(theme.routes(services))
    for entering in (sign_in, sign_in_code, sign_in_confirm, sign_in_first, sign_in_reset):
        app.include_router(entering.routes(services, pages))
    for module_ in (sign_in_provider, identity_providers):
        app.include_router(module_.routes(services, pages, providers))
    app.include_router(events.routes(services))
    for module in (
        overview,
        palette,
        alerts,
        alert_work,
        # Before /incidents/{number} and the like, which would take `selected` for one.
        selected,
        incidents,
        executions,
        run_canvas,
        run_cancelling,
        run_reruns,
        time_saved,
        containment,
        responses,
        approvals,
        answers,
        notification_rules,
        notifications,
        # Before /playbooks/{id}, which would take `new` for one.
        playbook_drafts,
        playbook_life,
        playbook_rules,
        playbook_exchange,
        designer,
        designer_life,
        designer_new,
        designer_playing,
        designer_trials,
        playbooks,
        policy,
        drills,
        tables,
        outbound,
        subscriptions,
        webhooks,
        start,
        starters,
        trigger_services,
        service_making,
        service_checks,
        apps,
        # Before /accounts/{id}, which would take `new` for one.
        account_wizard,
        account_credentials,
        accounts,
        me,
        me_tokens,
        audit,
        installation,
        keys,
        proofs,
        organizations,
        people,
        person_sign_ins,
        rehearsals,
        rehearsed,
        trials,
        views,
    ):
        app.include_router(module.routes(services, pages))
    app.mount("/static", GZipMiddleware(ForeverFiles(directory=STATIC), minimum_size=1000))
    app.mount("/hooks", hooks.create_hooks(services))
    if api is not None:
        mounted = Mount("/api/v1", api)
        # What is below it is the API's to answer for, also where an address holds a line feed.
        mounted.path_regex = re.compile(mounted.path_regex.pattern, re.DOTALL)
        app.router.routes.append(mounted)
    error_pages.install(app, pages, services.settings)
    pages.holding = Holding(app.routes)
    # The last one added is the outermost.
    app.add_middleware(Incoming, pages=pages)
    app.add_middleware(OwnOrigin, services=services)
    app.add_middleware(RateLimits, services=services, pages=pages)
    app.add_middleware(OwnRows)
    app.add_middleware(Sessions, services=services)
    app.add_middleware(error_pages.ErrorPages, pages=pages)
    app.add_middleware(FetchMetadata, pages=pages)
    app.add_middleware(KnownHosts, services=services, pages=pages)
    app.add_middleware(SecurityHeaders, services=services)
    app.add_middleware(Haste)
    return app
