"""The API as an application of its own, mounted by the composition root below the sessions of the pages."""

import asyncio
from typing import Protocol

import httpx
from fastapi import FastAPI

import ringfence
from ringfence.actions.catalogue import discover
from ringfence.api import (
    account_credentials,
    account_setup,
    accounts,
    actions,
    alert_changes,
    alerts,
    approvals,
    apps,
    audit,
    changes,
    channels,
    containing,
    containment_proofs,
    containments,
    contract,
    drills,
    filters,
    http_accounts,
    identity_providers,
    incident_forms,
    incident_work,
    incidents,
    installation,
    isolations,
    keys,
    language,
    mailboxes,
    notification_rules,
    organizations,
    overview,
    people,
    playbook_drafts,
    playbook_exchange,
    playbook_life,
    playbook_rules,
    playbook_tests,
    playbook_versions,
    playbooks,
    policy,
    problems,
    rehearsals,
    rehearsed,
    responses,
    run_cancelling,
    run_reruns,
    runs,
    selected,
    service_checks,
    sessions,
    subscriptions,
    tables,
    time_saved,
    tokens,
    trials,
    webhooks,
)
from ringfence.api import services as services_
from ringfence.api.freshness import Freshness
from ringfence.api.repeating import Repeating
from ringfence.deeds import Act, ChangeAlert, Compare, Contain, Explain, Release, Try, TryService
from ringfence.defender import Limits
from ringfence.notifications.delivery import Sender
from ringfence.playbooks.publishing import Publishing
from ringfence.security.egress import networks
from ringfence.settings import Settings
from ringfence.storage import Database


class Services(Protocol):
    """What the API needs of the rest."""

    @property
    def database(self) -> Database:
        """Where it reads."""
        ...

    @property
    def settings(self) -> Settings:
        """What the operator decided."""
        ...

    @property
    def accounts(self) -> accounts.Connect:
        """What tests and connects accounts."""
        ...

    @property
    def limits(self) -> Limits:
        """What the tenants grant."""
        ...

    @property
    def sender(self) -> Sender:
        """What sends people notifications."""
        ...

    @property
    def compare(self) -> Compare:
        """What compares the sources of a service."""
        ...

    @property
    def explain(self) -> Explain:
        """What says what policy says about a host."""
        ...

    @property
    def contain(self) -> Contain:
        """What asks for a host to be contained."""
        ...

    @property
    def release(self) -> Release:
        """What asks for a host to be released."""
        ...

    @property
    def change_alert(self) -> ChangeAlert:
        """What changes an alert in Defender."""
        ...

    @property
    def stopping(self) -> asyncio.Event:
        """Set when the server ends."""
        ...

    @property
    def dry_run(self) -> Try:
        """What says what a playbook would do now."""
        ...

    @property
    def act(self) -> Act:
        """What carries one action out by hand."""
        ...

    @property
    def try_service(self) -> TryService:
        """What asks the source of a service once."""
        ...


def create_api(services: Services, *, providers: httpx.AsyncBaseTransport | None = None) -> FastAPI:
    """Return the API. It expects `request.state.session`, which the application that mounts it provides.

    `providers` replaces the network to providers of identities.
    """
    api = FastAPI(
        title="Ringfence API",
        version=ringfence.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        root_path_in_servers=False,
        generate_unique_id_function=contract.operation_id,
        responses={"default": {"description": "What is wrong and what to do next."}},
    )
    # Before /playbooks/{id}, which would take `drafts` for one.
    desk = Publishing(discover(), networks(services.settings.egress_private))
    for before in (playbook_drafts, playbook_life):
        api.include_router(before.routes(services.database, desk))
    for module in (playbook_rules, playbook_versions, run_cancelling, run_reruns, time_saved):
        api.include_router(module.routes(services.database))
    # Before /services/{id} and the like, which would take `selected` for one.
    api.include_router(selected.routes(services.database, services.release))
    # Before /alerts/{id}, which would take `rejected` for one.
    api.include_router(alert_changes.routes(services.database, services.change_alert))
    for module in (alerts, apps, containments, isolations, approvals, playbooks, tables, overview, filters):
        api.include_router(module.routes(services.database))
    api.include_router(containing.routes(services.database, services.contain, services.release))
    api.include_router(changes.routes(services.database, services.stopping))
    api.include_router(actions.routes(services.database, services.act))
    for module in (webhooks, mailboxes, subscriptions):
        api.include_router(module.routes(services.database, services.sender))
    api.include_router(runs.routes(services.database, services.sender.vault))
    api.include_router(language.routes())
    api.include_router(installation.routes(services.database, services.settings, lambda: services.sender.vault))
    api.include_router(keys.routes(services.database, services.settings, lambda: services.sender.vault))
    api.include_router(incident_forms.routes(services.database))
    api.include_router(channels.routes(services.database, services.sender))
    api.include_router(notification_rules.routes(services.database))
    api.include_router(http_accounts.routes(services.database, services.sender))
    api.include_router(identity_providers.routes(services.database, services.sender, services.settings, providers))
    api.include_router(
        accounts.routes(
            services.database,
            services.accounts,
            services.limits,
            allowed=lambda: networks(services.settings.egress_private),
        )
    )
    for module in (account_credentials, account_setup):
        api.include_router(module.routes(services.database, services.accounts))
    api.include_router(services_.routes(services.database, services.settings))
    api.include_router(audit.routes(services.database, services.settings))
    api.include_router(containment_proofs.routes(services.database, services.settings))
    api.include_router(service_checks.routes(services.database, services.compare, services.try_service))
    api.include_router(incidents.routes(services.database))
    api.include_router(incident_work.routes(services.database, services.settings))
    api.include_router(responses.routes(services.database, services.settings))
    api.include_router(policy.routes(services.database, services.explain))
    api.include_router(drills.routes(services.database, services.explain))
    for module in (playbook_exchange, playbook_tests):
        api.include_router(module.routes(services.database))
    api.include_router(rehearsals.routes(services.database, services.dry_run))
    api.include_router(rehearsed.routes(services.database, services.sender.vault))
    api.include_router(trials.routes(services.database, services.settings))
    for module in (organizations, tokens, sessions):
        api.include_router(module.routes(services.database))
    api.include_router(people.routes(services.database, services.sender.address))
    problems.install(api)
    contract.install(api)
    api.state.vault = lambda: services.sender.vault
    # The last one added is the outermost.
    api.add_middleware(Repeating, database=services.database, vault=api.state.vault)
    api.add_middleware(Freshness)
    return api
