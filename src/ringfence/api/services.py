"""/api/v1/services: the trigger services, how they go, and what people decide about them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.apps import making
from ringfence.apps.shelf import of_source, shelf
from ringfence.errors import NotFound
from ringfence.organizations import service as organizations
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Actor, Permission, require
from ringfence.services import pools, records, service
from ringfence.services import shown as shown_
from ringfence.services.model import MOST_RESTARTS
from ringfence.services.model import Service as Followed
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction, editions
from ringfence.storage.scope import everywhere

Text = Annotated[str, Field(max_length=200)]


class Service(BaseModel):
    """One trigger service.

    `interval_seconds` is null where the pace is adaptive; `history_start` is the earliest moment that a poll goes back to.
    """

    id: str
    name: str
    account_id: str = Field(description="The account that it follows; empty where a package reads it.")
    account: str
    source: str
    parameters: dict[str, Any] = Field(description="Those of a type that a package brings; else there are none.")
    interval: str
    interval_seconds: float | None
    history: str
    history_start: AwareDatetime | None
    start_at_once: bool
    updates: bool
    max_restarts: int
    app: str = Field(description="The app that it is made of; see /apps.")
    pool: str
    unserved: str = Field(description="Says that no living worker reads it; else it is empty.")
    notify_to: list[str]
    everybody: bool
    shared_with: list[str]
    enabled: bool
    state: str
    state_reason: str
    problems: dict[str, str]
    failures: int
    watermark: AwareDatetime | None
    polled_at: AwareDatetime | None
    next_poll_at: AwareDatetime | None
    lag: float | None
    polls: int
    hits: int
    misses: int
    errors: int
    activated_at: AwareDatetime
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Changes(BaseModel):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    source: Text | None = Field(
        None, description="defender, graph, or the id of a trigger service that a package brings; see /apps."
    )
    parameters: dict[str, Any] | None = Field(
        None, description="Those that a type of a package asks for; its app lists them."
    )
    interval: Text | None = Field(None, description="Minutes, 30 s, 1 h, adaptive; empty for the installation's.")
    history: Text | None = Field(None, description="Words such as 30 days ago; empty for the installation's.")
    updates: bool | None = None
    max_restarts: Annotated[int, Field(ge=0, le=MOST_RESTARTS)] | None = None
    pool: Text | None = Field(None, description="The workers that read it are those that serve this pool.")
    notify_to: Annotated[list[Text], Field(max_length=20)] | None = Field(
        None, description="Mail addresses that are told when it fails."
    )
    everybody: bool | None = Field(
        None, description="Whether playbooks of all organizations may listen to it. For System Administrators."
    )
    shared_with: Annotated[list[Text], Field(max_length=1_000)] | None = Field(
        None,
        description="Names or ids of the other organizations whose playbooks may listen to it. For System Administrators.",
    )

    @property
    def shares(self) -> bool:
        """Whether it says anything about other organizations."""
        return self.everybody is not None or self.shared_with is not None

    def wanted(self, shared_with: list[str] | None) -> service.Wanted:
        """Return it as the service knows it, with the ids of the organizations that it is shared with."""
        values = self.model_dump(include=set(Changes.model_fields) - {"shared_with"})
        return service.Wanted(**values, shared_with=shared_with)


class NewService(Changes):
    """A service to be made; `account_id` is the account that it follows, which one that a package reads has not."""

    name: Text
    account_id: Text | None = None
    start_at_once: bool = False

    def wanted(self, shared_with: list[str] | None) -> service.Wanted:
        """Return it as the service knows it, with the ids of the organizations that it is shared with."""
        values = self.model_dump(include=set(Changes.model_fields) - {"name", "shared_with"})
        return service.Wanted(**values, shared_with=shared_with, start_at_once=self.start_at_once)


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/services", tags=["services"], dependencies=[needs(Permission.SERVICE_READ)])
    catalogue = discover()
    known = shelf(catalogue)

    def put(tx: Transaction, found: Followed) -> Service:
        served = pools.living(tx, 2 * settings.dead_after)
        shown = shown_.show(
            found, interval=settings.poll_interval, history_words=settings.poll_history, now=clock.now(), served=served
        )
        values = {name: getattr(found, name) for name in Service.model_fields if hasattr(found, name)}
        values |= {"interval": shown.interval, "interval_seconds": shown.interval_seconds}
        values |= {"app": of_source(found.source, known).id, "unserved": shown.unserved}
        values |= {"history": shown.history, "history_start": shown.history_start}
        return Service.model_validate(values)

    async def others(actor: Actor, changes: Changes) -> list[str] | None:
        """Return the ids of the organizations that a service is to be shared with; MissingPermission for who may not."""
        if not changes.shares:
            return None
        require(actor, Permission.ORGANIZATION_MANAGE)
        if changes.shared_with is None:
            return None
        named = changes.shared_with
        with everywhere():
            every = await database.read(organizations.every)
        ids = {each.id: each.id for each in every} | {each.name: each.id for each in every}
        unknown = [each for each in named if each not in ids]
        if unknown:
            names = ", ".join(repr(each) for each in unknown[:5])
            raise NotFound(f"There is no organization {names}.", advice="Look at the list of organizations.")
        return [ids[each] for each in named if ids[each] != actor.organization_id]

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Service]:
        """List the trigger services. Each says how it goes: hits, misses, errors, lag and the next poll."""
        found = await database.read(lambda tx: [put(tx, each) for each in records.every(tx, organization_id)])
        return paging.of(found, lambda each: each, key=lambda each: (each.name, each.id))

    @router.get("/{service_id}")
    async def one(organization_id: OrganizationId, service_id: str, response: Response) -> Service:
        """Show one trigger service. Its ETag is wanted for changing it."""

        def look(tx: Transaction) -> tuple[Service, str]:
            found = records.by_id(tx, service_id, organization_id=organization_id)
            return put(tx, found), service.edition(found)

        found, current = await database.read(look)
        mark(response, current, whole=False)
        return found

    @router.post("", status_code=201, dependencies=[needs(Permission.SERVICE_MANAGE)])
    async def make(author: Author, asker: Asker, new: NewService) -> Service:
        """Make a trigger service. It begins at once unless it is told to wait."""
        shared_with = await others(asker, new)

        def work(tx: Transaction) -> Service:
            wanted, here = new.wanted(shared_with), author.organization_id
            return put(tx, making.make(tx, catalogue, known, here, new.name, wanted, account_id=new.account_id))

        return await database.run(work)

    @router.patch("/{service_id}", dependencies=[needs(Permission.SERVICE_MANAGE)])
    async def edit(
        author: Author,
        asker: Asker,
        service_id: str,
        changes: Changes,
        response: Response,
        if_match: IfMatch = None,
    ) -> Service:
        """Change a trigger service. What is left out stays; send the ETag that was read as If-Match."""
        seen = edition(if_match)
        shared_with = await others(asker, changes)

        def work(tx: Transaction) -> tuple[Service, str]:
            found = records.locked(tx, service_id, organization_id=author.organization_id)
            editions.demand(seen, service.edition(found))
            made = making.edit(tx, catalogue, known, found, changes.wanted(shared_with))
            return put(tx, made), service.edition(made)

        made, current = await database.run(work)
        mark(response, current, whole=False)
        return made

    @router.post("/{service_id}/pause", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def pause(author: Author, service_id: str) -> Service:
        """Pause a trigger service. Nothing is polled, and nothing is lost: it goes on from its watermark."""

        def work(tx: Transaction) -> Service:
            found = records.by_id(tx, service_id, organization_id=author.organization_id)
            return put(tx, service.pause(tx, found))

        return await database.run(work)

    @router.post("/{service_id}/resume", dependencies=[needs(Permission.SERVICE_CONTROL)])
    async def resume(author: Author, service_id: str) -> Service:
        """Let a paused trigger service go on. It goes on from its watermark."""

        def work(tx: Transaction) -> Service:
            found = records.by_id(tx, service_id, organization_id=author.organization_id)
            return put(tx, service.resume(tx, found))

        return await database.run(work)

    @router.delete("/{service_id}", status_code=204, dependencies=[needs(Permission.SERVICE_MANAGE)])
    async def remove(author: Author, service_id: str) -> None:
        """Remove a trigger service. Alerts that it brought stay."""

        def work(tx: Transaction) -> None:
            records.remove(tx, records.by_id(tx, service_id, organization_id=author.organization_id))

        await database.run(work)

    return router
