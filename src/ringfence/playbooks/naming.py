"""Refuse a new name for what published playbooks name: they would listen to nothing, and nobody would be told."""

from functools import lru_cache

from ringfence.errors import Conflict
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import library
from ringfence.playbooks.document import read
from ringfence.services import records as services
from ringfence.services.model import Service
from ringfence.storage import Transaction


def demand_unnamed(tx: Transaction, service: Service) -> None:
    """Raise Conflict where published playbooks of any organization that may listen to a service name it."""
    own = _naming(tx, service.organization_id, service.name)
    elsewhere = _elsewhere(tx, service)
    # What playbooks of others are called is theirs.
    said = [*own, *([f"{elsewhere} of other organizations"] if elsewhere else [])]
    if said:
        raise Conflict(
            f"Playbooks listen to {service.name!r} by its name: {', '.join(said)}.",
            advice="Keep the name, or publish them without it first: a service that is not there starts nothing.",
        )


def rename_organization(tx: Transaction, organization_id: str, name: str) -> Organization:
    """Give an organization another name; Conflict where others listen to its services, which they do by its name."""
    before = organizations.get(tx, organization_id)
    heard = {each.name: _elsewhere(tx, each) for each in services.every(tx, organization_id)}
    if before.name != name.strip() and any(heard.values()):
        said = ", ".join(f"{count} to {service!r}" for service, count in heard.items() if count)
        raise Conflict(
            f"Playbooks of other organizations listen to services of {before.name!r} by its name: {said}.",
            advice="Keep the name, or have them published without it first: a service that is not there starts nothing.",
        )
    return organizations.rename(tx, organization_id, name)


def _elsewhere(tx: Transaction, service: Service) -> int:
    with tx.everywhere():
        known = {each.id: each.name for each in organizations.every(tx)}
        there = f"{known[service.organization_id]}/{service.name}"
        others = set(known if service.everybody else service.shared_with) - {service.organization_id}
        return sum(len(_naming(tx, each, there)) for each in others)


def _naming(tx: Transaction, organization_id: str, name: str) -> list[str]:
    published = {each.version_id: each.name for each in library.published(tx, organization_id)}
    if not published:
        return []
    sources = library.sources(tx, organization_id, published)
    return sorted(published[version_id] for version_id, source in sources if _service(source) == name)


@lru_cache(maxsize=500)
def _service(source: str) -> str | None:
    playbook = read(source).playbook
    return getattr(playbook.trigger, "service", None) if playbook is not None else None
