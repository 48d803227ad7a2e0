"""/api/v1/playbooks."""

from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.listeners.people import LONGEST_KEY, Begun, Starter, Wish
from ringfence.playbooks import library
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class Playbook(BaseModel):
    """One playbook with its newest version."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    state: str
    version: str
    version_id: str
    published_at: AwareDatetime
    published_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class PlaybookWithSource(Playbook):
    """One playbook with the YAML of its newest version."""

    source: str


class Start(BaseModel):
    """On what to start a playbook: an alert, a machine, an incident, or nothing; and what it asks for."""

    model_config = ConfigDict(extra="forbid")

    alert: str | None = Field(None, max_length=200, description="Our id of an alert, or Defender's.")
    machine: str | None = Field(None, max_length=200, description="Defender's id of a machine.")
    incident: int | None = Field(None, ge=1, le=999_999_999, description="The number of an incident.")
    account: str | None = Field(
        None, max_length=200, description="The account's name, where it is not clear by itself."
    )
    inputs: dict[str, str] = Field(default_factory=dict, description="The inputs that the playbook's trigger names.")


class Started(BaseModel):
    """The run that was requested."""

    run_id: str
    repeated: bool = Field(description="Whether the same key had started it before.")


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.get("")
    async def listing(organization_id: OrganizationId, paging: Paged) -> Listing[Playbook]:
        """List the playbooks in the order of their names. Each comes with its newest version."""
        found = await database.read(lambda tx: library.every(tx, organization_id))
        return paging.of(found, Playbook.model_validate, key=lambda each: (each.name, each.id))

    @router.get("/{playbook_id}")
    async def one(organization_id: OrganizationId, playbook_id: str) -> PlaybookWithSource:
        """Show one playbook with the text of its newest version. It is found by id or name."""

        def look(tx: Transaction) -> PlaybookWithSource:
            found = library.get(tx, organization_id, playbook_id)
            named = Playbook.model_validate(found).model_dump()
            return PlaybookWithSource(**named, source=library.source_of(tx, organization_id, found.version_id))

        return await database.read(look)

    starter = Starter()

    @router.post("/{playbook}/runs", status_code=202, dependencies=[needs(Permission.RUN_START)])
    async def start(
        author: Author,
        playbook: str,
        body: Start,
        response: Response,
        idempotency_key: Annotated[
            str | None,
            Header(max_length=LONGEST_KEY, description="Asked again with the same key, it starts no second run."),
        ] = None,
    ) -> Started:
        """Start a playbook by hand. On an alert, a machine, an incident or nothing; a key makes it start once."""
        incident = None if body.incident is None else str(body.incident)
        wish = Wish(
            playbook, author.name, body.alert, body.machine, body.account, body.inputs, idempotency_key, incident
        )

        def work(tx: Transaction) -> Begun:
            return starter.begin(tx, author.organization_id, wish)

        begun = await database.run(work)
        response.headers["Location"] = f"/api/v1/runs/{begun.run_id}"
        return Started(run_id=begun.run_id, repeated=begun.repeated)

    return router
