"""Make and edit trigger services of any app: who may use it, what it follows, and whether its parameters fit."""

from collections.abc import Sequence
from dataclasses import replace

from ringfence.accounts import records as accounts
from ringfence.actions.catalogue import Catalogue
from ringfence.apps import service as apps
from ringfence.apps.model import App
from ringfence.apps.shelf import of_source
from ringfence.errors import Invalid
from ringfence.playbooks import naming
from ringfence.services import service
from ringfence.services.model import Service
from ringfence.services.service import Wanted
from ringfence.storage import Transaction


def make(
    tx: Transaction,
    catalogue: Catalogue,
    known: Sequence[App],
    organization_id: str,
    name: str,
    wanted: Wanted,
    account_id: str | None = None,
) -> Service:
    """Make a service of the app that `wanted.source` means; see `services.service.create`.

    One of ours follows a connected account, one that a package brings follows none and has parameters. Conflict if the app
    is not installed for the organization, Invalid with every problem where parameters do not fit.
    """
    source = service.checked_source(wanted.source or service.SOURCES[0])
    app = apps.demand(tx, known, of_source(source, known).id, organization_id)
    declared = catalogue.services.get(app.source)
    if declared is not None:
        if account_id:
            raise Invalid(f"{app.title} follows no connected account.", advice="Leave the account out.")
        fitting = declared.fitting(wanted.parameters or {})
        return service.create(tx, organization_id, None, name, replace(wanted, parameters=fitting))
    if wanted.parameters:
        raise Invalid(f"{app.title} has no parameters of its own.", advice="Leave them out.")
    if not account_id:
        raise Invalid("A service follows a connected account.", advice="Choose one, or connect one first.")
    account = accounts.by_id(tx, account_id, organization_id=organization_id)
    return service.create(tx, organization_id, account.id, name, wanted)


def edit(tx: Transaction, catalogue: Catalogue, known: Sequence[App], found: Service, wanted: Wanted) -> Service:
    """Change a service as `make` would make it; parameters that are left out stay.

    Conflict where it is to have another name and published playbooks listen to the present one.
    """
    source = service.checked_source(wanted.source) if wanted.source is not None else found.source
    if source != found.source:
        apps.demand(tx, known, of_source(source, known).id, found.organization_id)
    declared = catalogue.services.get(source)
    if declared is not None and (wanted.parameters is not None or source != found.source):
        wanted = replace(wanted, parameters=declared.fitting(wanted.parameters or {}))
    elif wanted.parameters:
        title = of_source(source, known).title
        raise Invalid(f"{title} has no parameters that could be changed.", advice="Leave them out.")
    if wanted.name is not None and service.checked_name(wanted.name) != found.name:
        naming.demand_unnamed(tx, found)
    return service.edit(tx, found, wanted)
