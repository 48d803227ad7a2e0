"""Every app that there is: the connectors, the trigger services, and the packages that are broken. Pure but for loading."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from ringfence.actions import Connector, Release
from ringfence.actions.catalogue import Broken, Catalogue
from ringfence.actions.polling import ServiceType
from ringfence.apps.model import App, Brought, Category

US: Final = "The Ringfence contributors"
_ALERT: Final = "defender.alert"
SERVICE: Final = "service"
"""The type of trigger by which playbooks name a service that a package brings."""

TRIGGER_SERVICES: Final = (
    App(
        "defender_service",
        "Microsoft Defender for Endpoint Service",
        "1.0.0",
        Category.TRIGGER_SERVICE,
        "Endpoint",
        US,
        "Reads the alerts of Defender for Endpoint, new ones and changes, and starts playbooks.",
        (
            Release(
                "1.0.0",
                "2026-11-22",
                "First release: alerts by their last update; fixed or adaptive pace; sweeps that find what was missed.",
            ),
        ),
        triggers=(_ALERT,),
        source="defender",
    ),
    App(
        "graph_service",
        "Microsoft Graph Security Service",
        "1.0.0",
        Category.TRIGGER_SERVICE,
        "Endpoint",
        US,
        "Reads the alerts of Microsoft Graph security, with those of the other Defender products, and starts playbooks.",
        (
            Release(
                "1.0.0",
                "2026-11-22",
                "First release: alerts of all Defender products, in the form of Defender for Endpoint.",
            ),
        ),
        triggers=(_ALERT,),
        source="graph",
    ),
)
"""The apps of which services are made."""


def shelf(catalogue: Catalogue) -> list[App]:
    """Return every app in the order of titles, those that cannot be used last."""
    connectors = catalogue.connectors.values()
    playbook = [_of_connector(catalogue, each) for each in connectors if each.actions or not each.services]
    packaged = [_of_service(catalogue, each, one) for each in connectors for one in each.services.values()]
    usable = sorted((*playbook, *packaged, *TRIGGER_SERVICES), key=lambda app: (app.title.casefold(), app.id))
    return [*usable, *(_of_broken(each) for each in catalogue.broken)]


def of_source(source: str, apps: Iterable[App] = TRIGGER_SERVICES) -> App:
    """Return the app that a service which reads this source is made of; one with a `problem` where its package is gone."""
    found = next((app for app in apps if app.source == source), None)
    if found is not None:
        return found
    gone = "The package that brings it is not installed on the server any more, or cannot be used."
    kind = Category.TRIGGER_SERVICE
    return App(source, source, "", kind, "", "unknown", "", (), source=source, ours=False, problem=gone)


def _of_connector(catalogue: Catalogue, connector: Connector) -> App:
    return replace(
        _bare(catalogue, connector),
        actions=tuple(Brought(each.id, each.title, each.effect.value) for _, each in sorted(connector.actions.items())),
    )


def _of_service(catalogue: Catalogue, connector: Connector, declared: ServiceType) -> App:
    return replace(
        _bare(catalogue, connector),
        id=declared.id,
        title=declared.title,
        category=Category.TRIGGER_SERVICE,
        description=declared.description,
        triggers=(SERVICE,),
        source=declared.id,
        parameters=declared.schema(),
    )


def _bare(catalogue: Catalogue, connector: Connector) -> App:
    package = catalogue.packages[connector.id]
    ours = not package.name and package.module.startswith("ringfence.")
    return App(
        connector.id,
        connector.title,
        connector.version,
        Category.PLAYBOOK,
        connector.category,
        connector.publisher or (US if ours else package.author or package.name or "unknown"),
        connector.description,
        connector.releases,
        module=package.module,
        package=package.name,
        package_version=package.version,
        ours=ours,
    )


def _of_broken(broken: Broken) -> App:
    return App(
        f"broken:{broken.entry}",
        broken.entry,
        broken.package.version,
        Category.PLAYBOOK,
        "",
        broken.package.author or broken.package.name or "unknown",
        "",
        (),
        module=broken.package.module,
        package=broken.package.name,
        package_version=broken.package.version,
        ours=False,
        problem=broken.reason,
    )
