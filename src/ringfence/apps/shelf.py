"""Every app that there is: the connectors, the trigger services, and the packages that are broken. Pure but for loading."""

from typing import Final

from ringfence.actions import Release
from ringfence.actions.catalogue import Broken, Catalogue
from ringfence.apps.model import App, Brought, Category

US: Final = "The Ringfence contributors"
_ALERT: Final = "defender.alert"

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
    playbook = [_of_connector(catalogue, connector_id) for connector_id in catalogue.connectors]
    usable = sorted((*playbook, *TRIGGER_SERVICES), key=lambda app: (app.title.casefold(), app.id))
    return [*usable, *(_of_broken(each) for each in catalogue.broken)]


def of_source(source: str) -> App:
    """Return the app that a service which reads this source is made of."""
    return next(app for app in TRIGGER_SERVICES if app.source == source)


def _of_connector(catalogue: Catalogue, connector_id: str) -> App:
    connector, package = catalogue.connectors[connector_id], catalogue.packages[connector_id]
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
        tuple(Brought(each.id, each.title, each.effect.value) for _, each in sorted(connector.actions.items())),
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
