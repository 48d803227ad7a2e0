"""/api/v1/apps: the catalog of apps, and which organizations may use them."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.apps import service
from ringfence.apps.model import Placed
from ringfence.apps.shelf import shelf
from ringfence.security.access import Asker, needs
from ringfence.security.rbac import Actor, Permission
from ringfence.storage import Database, Transaction
from ringfence.storage.scope import everywhere

AppId = Annotated[str, Field(max_length=100)]


class Release(BaseModel):
    """What a version brought."""

    model_config = ConfigDict(from_attributes=True)

    version: str
    date: str
    notes: str


class Brought(BaseModel):
    """An action that an app brings; `effect` is pure, read, write or contain."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    effect: str


class App(BaseModel):
    """One app; `problem` says why it cannot be used, else it is empty. `news` are the releases since it was looked at."""

    id: str
    title: str
    version: str
    category: str
    kind: str
    publisher: str
    description: str
    releases: list[Release]
    actions: list[Brought]
    triggers: list[str]
    source: str = Field(description="What a service of it gives as its source; empty where it is no trigger service.")
    parameters: dict[str, Any] | None = Field(
        description="The JSON Schema of the parameters of its services, where a package brings it."
    )
    package: str
    package_version: str
    problem: str
    installed: bool
    everybody: bool
    mine: bool = Field(description="Whether this organization may use it.")
    organizations: list[str] | None = Field(
        description="The ids of those that may, where not everybody may; null for who does not decide on it."
    )
    upgraded: bool
    news: list[Release]
    changed_at: AwareDatetime | None


class Use(BaseModel):
    """A playbook of this organization that uses an app."""

    model_config = ConfigDict(from_attributes=True)

    playbook_id: str
    playbook: str


class Uses(BaseModel):
    """An app that was taken away, and what uses it: that goes on, and cannot be published anew."""

    app: App
    used_by: list[Use]


class Whose(BaseModel):
    """Who may use an app."""

    model_config = ConfigDict(extra="forbid")

    organizations: list[Annotated[str, Field(max_length=200)]] | None = Field(
        None, description="Their names or ids; null means all, also those to come.", max_length=1_000
    )


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/apps", tags=["apps"], dependencies=[needs(Permission.APP_READ)])
    known = shelf(discover())

    @router.get("")
    async def listing(asker: Asker, paging: Paged) -> Listing[App]:
        """List the catalog of apps: connectors, trigger services, and packages that are broken, with the reason."""
        found = await database.read(lambda tx: service.listing(tx, known))
        return paging.of(found, lambda each: _app(each, asker), key=lambda each: (each.app.title, each.app.id))

    @router.get("/{app_id}")
    async def one(asker: Asker, app_id: AppId, response: Response) -> App:
        """Get one app, with what each of its versions brought. Its ETag is wanted for saying who may use it."""
        found = await database.read(lambda tx: service.get(tx, known, app_id))
        mark(response, service.edition(found), whole=False)
        return _app(found, asker)

    @router.get("/{app_id}/uses")
    async def uses(organization_id: OrganizationId, app_id: AppId, paging: Paged) -> Listing[Use]:
        """List the playbooks of this organization that use an app."""

        def look(tx: Transaction) -> list[service.Use]:
            return service.uses(tx, service.get(tx, known, app_id).app, organization_id)

        return paging.of(
            await database.read(look), Use.model_validate, key=lambda each: (each.playbook, each.playbook_id)
        )

    @router.put("/{app_id}/installation", dependencies=[needs(Permission.APP_MANAGE)])
    async def install(
        author: Author, asker: Asker, app_id: AppId, whose: Whose, response: Response, if_match: IfMatch = None
    ) -> App:
        """Let organizations use an app: those that are named and no others, or all.

        Send the ETag of the app that was read as If-Match.
        """
        seen = edition(if_match)
        with everywhere():
            found = await database.run(
                lambda tx: service.install(tx, known, app_id, names=whose.organizations, by=author.name, seen=seen)
            )
        mark(response, service.edition(found), whole=False)
        return _app(found, asker)

    @router.delete("/{app_id}/installation", dependencies=[needs(Permission.APP_MANAGE)])
    async def uninstall(author: Author, asker: Asker, app_id: AppId) -> Uses:
        """Take an app away from everybody. Playbooks that use it go on, and cannot be published anew."""

        def work(tx: Transaction) -> tuple[Placed, list[service.Use]]:
            used = service.uninstall(tx, known, app_id, by=author.name)
            return service.get(tx, known, app_id), used

        with everywhere():
            found, used = await database.run(work)
        mine = [Use.model_validate(each) for each in used if each.organization_id == author.organization_id]
        return Uses(app=_app(found, asker), used_by=mine)

    @router.post("/{app_id}/accept", dependencies=[needs(Permission.APP_MANAGE)])
    async def accept(author: Author, asker: Asker, app_id: AppId) -> App:
        """Note that what an upgrade brought was looked at."""
        with everywhere():
            found = await database.run(lambda tx: service.accept(tx, known, app_id, by=author.name))
        return _app(found, asker)

    return router


def _app(found: Placed, asker: Actor) -> App:
    app = found.app
    same = ("id", "title", "version", "kind", "publisher", "description", "package", "package_version", "problem")
    return App(
        **{name: getattr(app, name) for name in same},
        category=app.category.value,
        releases=[Release.model_validate(each) for each in app.releases],
        actions=[Brought.model_validate(each) for each in app.actions],
        triggers=list(app.triggers),
        source=app.source,
        parameters=None if app.parameters is None else dict(app.parameters),
        installed=found.installed,
        everybody=found.everybody,
        mine=found.allows(asker.organization_id),
        organizations=list(found.organizations) if asker.may(Permission.APP_MANAGE) else None,
        upgraded=found.upgraded,
        news=[Release.model_validate(each) for each in found.news],
        changed_at=found.installation.changed_at if found.installation else None,
    )
