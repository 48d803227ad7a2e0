"""/api/v1/playbooks/{playbook}/dry-run and /profiles: what a playbook would do now, and the inputs that are kept for it."""

from typing import Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch, edition, mark
from ringfence.api.listing import Listing, Paged
from ringfence.deeds import Try
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import drafts
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.rehearsals import profiles
from ringfence.rehearsals.desk import Wish, text_of
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str | None = Field(
        None, max_length=MAX_SOURCE, description="The YAML to try; else the playbook's draft, or its newest version."
    )


class TryDry(_Source):
    """On what to try a playbook: a stored alert, or a document that stands for its trigger."""

    alert: str | None = Field(None, max_length=200, description="Our id of an alert, or Defender's.")
    profile: str | None = Field(None, max_length=200, description="The name of an input that is kept for the playbook.")
    document: dict[str, JsonValue] | None = Field(None, description="The trigger as the steps see it.")
    account: str | None = Field(None, max_length=200, description="The account to read with, where it is not clear.")
    assume: dict[str, str] = Field(default_factory=dict, description="Outcomes of steps that are only described.")


class RunProfile(_Read):
    """An input that is kept to try a playbook with; `document` is the trigger as the steps see it."""

    name: str
    playbook: str
    document: dict[str, Any]
    account: str | None
    origin: str
    saved_at: AwareDatetime
    saved_by: str


class SaveProfile(BaseModel):
    """What to keep: a copy of a stored alert, or a document that stands for the trigger."""

    model_config = ConfigDict(extra="forbid")

    alert: str | None = Field(None, max_length=200, description="Our id of an alert, or Defender's.")
    document: dict[str, JsonValue] | None = Field(None, description="The trigger as the steps see it.")
    account: str | None = Field(None, max_length=200, description="The account to read with, where it is not clear.")


class RehearsedStep(_Read):
    """One step of a dry run; `how` is computed, read, mocked, described, skipped or impossible."""

    step: str
    iteration: int
    round: str
    action: str
    effect: str
    how: str
    status: str
    outcome: str | None
    input: JsonValue
    output: JsonValue
    error: str
    said: list[str]
    verdict: dict[str, Any] | None
    unsure: list[str]
    attempts: int


class RehearsedRun(_Read):
    """The run as it would have been."""

    status: str
    error: str
    steps: list[RehearsedStep]


class DryRunReport(_Read):
    """A dry run; `starts` says whether the trigger would have started it, null where it cannot be asked."""

    on: str
    starts: bool | None
    why: str
    account: str | None
    report: RehearsedRun


def routes(database: Database, attempt: Try) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.post("/{playbook}/dry-run", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def dry_run(author: Author, playbook: str, body: TryDry) -> DryRunReport:
        """Say what a playbook would do now. It reads for real, describes what it would change, and sends nothing."""

        def look(tx: Transaction) -> tuple[Organization, str]:
            organization = organizations.get(tx, author.organization_id)
            return organization, body.source or text_of(tx, organization.id, playbook)

        organization, text = await database.read(look)
        wish = Wish(text, body.alert, body.document, body.account, body.assume, body.profile)
        return DryRunReport.model_validate(await attempt(organization, wish))

    @router.get("/{playbook}/profiles")
    async def kept(organization_id: OrganizationId, paging: Paged, playbook: str) -> Listing[RunProfile]:
        """List the inputs that are kept to try a playbook with. Each is a copy, and stays when the alert goes."""
        found = await database.read(
            lambda tx: profiles.every(tx, organization_id, _name(tx, organization_id, playbook))
        )
        return paging.of(found, RunProfile.model_validate, key=lambda each: (each.name,))

    @router.get("/{playbook}/profiles/{profile}")
    async def one(organization_id: OrganizationId, playbook: str, profile: str, response: Response) -> RunProfile:
        """Show one input that is kept to try a playbook with. Its ETag is wanted for replacing it."""

        def look(tx: Transaction) -> tuple[profiles.Profile, str]:
            name = _name(tx, organization_id, playbook)
            return profiles.get(tx, organization_id, name, profile), profiles.edition(
                tx, organization_id, name, profile
            )

        found, current = await database.read(look)
        mark(response, current)
        return RunProfile.model_validate(found)

    @router.put("/{playbook}/profiles/{profile}", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def keep(
        author: Author,
        playbook: str,
        profile: str,
        body: SaveProfile,
        response: Response,
        if_match: IfMatch = None,
    ) -> RunProfile:
        """Keep an input to try a playbook with. One of the same name is replaced.

        Send the ETag that was read as If-Match, `"0"` for a new one.
        """
        seen = edition(if_match)

        def work(tx: Transaction) -> tuple[profiles.Profile, str]:
            name = _name(tx, author.organization_id, playbook)
            made = profiles.save(
                tx,
                author.organization_id,
                name,
                profile,
                by=author.name,
                alert=body.alert,
                document=body.document,
                account=body.account,
                seen=seen,
            )
            return made, profiles.edition(tx, author.organization_id, name, made.name)

        made, current = await database.run(work)
        mark(response, current)
        return RunProfile.model_validate(made)

    @router.delete(
        "/{playbook}/profiles/{profile}", status_code=204, dependencies=[needs(Permission.PLAYBOOK_REHEARSE)]
    )
    async def forget(author: Author, playbook: str, profile: str) -> None:
        """Forget an input to try a playbook with. Runs do not use them."""

        def work(tx: Transaction) -> None:
            profiles.remove(tx, author.organization_id, _name(tx, author.organization_id, playbook), profile)

        await database.run(work)

    return router


def _name(tx: Transaction, organization_id: str, playbook: str) -> str:
    return drafts.find(tx, organization_id, playbook).name
