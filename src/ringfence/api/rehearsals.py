"""/api/v1/playbooks/{playbook}/dry-run and /backtest: what a playbook would do, and would have done."""

from typing import Any, Literal, Protocol

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import drafts
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.rehearsals import profiles
from ringfence.rehearsals.backtest import LONGEST, Backtest, backtest
from ringfence.rehearsals.desk import DryRun, Wish, text_of
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class Try(Protocol):
    """Say what a playbook would do now."""

    async def __call__(self, organization: Organization, wish: Wish) -> DryRun:
        """Read what it would read, and do nothing."""
        ...


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


class BacktestDays(_Source):
    """How far to go back."""

    days: int = Field(30, ge=1, le=LONGEST, description="How many days to go back.")


class BacktestStart(_Read):
    """A run that would have been started; `joined` more alerts would have joined it."""

    at: AwareDatetime
    alert_id: str
    name: str
    title: str
    machine: str | None
    version: int
    why: str
    awaited: bool
    joined: int


class BacktestReason(_Read):
    """Why versions of alerts would have started nothing, with one of them as an example."""

    verdict: str
    condition: str | None
    count: int
    example: str
    title: str
    reason: str


class BacktestHost(_Read):
    """A host that would have been contained, if its `conditions` had come true, and what policy says about it."""

    machine: str | None
    name: str | None
    device_group: str | None
    first_at: AwareDatetime
    alert_id: str
    step: str
    outcome: str
    reasons: list[str]
    conditions: list[str]
    assumed: bool
    outcomes: dict[str, int]


class BacktestBrake(_Read):
    """A limit that would have been reached; without `until` it would have held to the end."""

    limit: Literal["hour", "playbook", "group", "fleet"]
    subject: str
    at: AwareDatetime
    until: AwareDatetime | None
    sentence: str
    refused: int


class BacktestReport(_Read):
    """What would have come of a playbook; `starts` and `hosts` are cut, the counts are not."""

    playbook: str
    since: AwareDatetime
    until: AwareDatetime
    alerts: int
    versions: int
    started: int
    joined: int
    contained: int
    asked: int
    denied: int
    unknown: int
    starts: list[BacktestStart]
    not_started: list[BacktestReason]
    hosts: list[BacktestHost]
    brakes: list[BacktestBrake]
    notes: list[str]


def routes(database: Database, attempt: Try) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])
    catalogue = discover()

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

    @router.put("/{playbook}/profiles/{profile}", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def keep(author: Author, playbook: str, profile: str, body: SaveProfile) -> RunProfile:
        """Keep an input to try a playbook with. One of the same name is replaced."""

        def work(tx: Transaction) -> profiles.Profile:
            name = _name(tx, author.organization_id, playbook)
            return profiles.save(
                tx,
                author.organization_id,
                name,
                profile,
                by=author.name,
                alert=body.alert,
                document=body.document,
                account=body.account,
            )

        return RunProfile.model_validate(await database.run(work))

    @router.delete(
        "/{playbook}/profiles/{profile}", status_code=204, dependencies=[needs(Permission.PLAYBOOK_REHEARSE)]
    )
    async def forget(author: Author, playbook: str, profile: str) -> None:
        """Forget an input to try a playbook with. Runs do not use them."""

        def work(tx: Transaction) -> None:
            profiles.remove(tx, author.organization_id, _name(tx, author.organization_id, playbook), profile)

        await database.run(work)

    @router.post("/{playbook}/backtest", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def over_the_past(author: Author, playbook: str, body: BacktestDays) -> BacktestReport:
        """Say what a playbook would have done in the past days.

        Starts, containments, and where limits would have been reached.
        """

        def look(tx: Transaction) -> Backtest:
            organization = organizations.get(tx, author.organization_id)
            text = body.source or text_of(tx, organization.id, playbook)
            return backtest(tx, organization, text, catalogue, days=body.days)

        return BacktestReport.model_validate(await database.read(look))

    return router


def _name(tx: Transaction, organization_id: str, playbook: str) -> str:
    return drafts.find(tx, organization_id, playbook).name
