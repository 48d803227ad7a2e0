"""/api/v1/playbooks/{playbook}/trials, /proof and /backtest: what a worker tries of playbooks, how far it is, what came of it."""

from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.clock import iso
from ringfence.playbooks import drafts, library, pins, proofs, trials
from ringfence.playbooks.document import read
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.proof import StepProof
from ringfence.playbooks.publishing import Publishing
from ringfence.playbooks.trials import Kind
from ringfence.rehearsals import trying
from ringfence.rehearsals.backtest import LONGEST, Backtest
from ringfence.rehearsals.desk import text_of
from ringfence.security.access import needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Source(BaseModel):
    model_config = ConfigDict(extra="forbid")

    source: str | None = Field(
        None, max_length=MAX_SOURCE, description="The YAML to try; else the playbook's draft, or its newest version."
    )


class BacktestDays(_Source):
    """How far a backtest goes back."""

    days: int = Field(30, ge=1, le=LONGEST)


class WantedProof(_Source):
    """What is to be proven: a version, a text, or what is being edited."""

    version: str | None = Field(None, max_length=40, description="A published version, e.g. 1.2.")


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
    """Why versions of alerts would have started nothing, with one as an example."""

    verdict: str
    condition: str | None
    count: int
    example: str
    title: str
    reason: str


class BacktestHost(_Read):
    """A host that would have been contained, or about which policy would have said something."""

    machine: str | None
    name: str | None
    first_at: AwareDatetime
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

    @classmethod
    def of(cls, found: Backtest | None) -> Self | None:
        """Say it as the API does."""
        return None if found is None else cls.model_validate(found)


class Trial(_Read):
    """What a worker tries of a playbook: `progress` of `total` is done, 0 of 0 where that is not known.

    `proven` is null but for a proof that is done; `steps` are its steps that cut hosts off, `backtest` is what a backtest found.
    `detail` says why it failed, or why a release is not proven.
    """

    id: str
    kind: Literal["proof", "backtest", "rehearsal"]
    playbook: str
    state: Literal["requested", "working", "done", "failed", "cancelled"]
    progress: int
    total: int
    proven: bool | None
    detail: str
    requested_at: AwareDatetime
    requested_by: str
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    cancelled_by: str | None
    steps: list[StepProof] | None = None
    backtest: BacktestReport | None = None

    @classmethod
    def of(cls, trial: trials.Trial, *, whole: bool = True) -> Self:
        """Say it as the API does, with what it found if `whole`."""
        found: dict[str, Any] = {}
        if whole and trial.kind is Kind.PROOF:
            proof = proofs.result_of(trial)
            found["steps"] = None if proof is None else list(proof.steps)
        elif whole:
            found["backtest"] = BacktestReport.of(trying.found_by(trial))
        return cls.model_validate(trial).model_copy(update=found)


_MOST: Final = 10_000
Name = Annotated[str, Path(max_length=200, description="The playbook's id or name.")]
TrialId = Annotated[str, Path(max_length=40, description="The id of the trial.")]


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])
    catalogue = discover()
    desk = Publishing(catalogue, networks(settings.egress_private))

    @router.get("/{playbook}/trials")
    async def tried(
        organization_id: OrganizationId,
        paging: Paged,
        playbook: Name,
        kind: Annotated[
            Literal["proof", "backtest", "rehearsal"],
            Query(description="Proofs of releases, backtests, or plays in the simulator (rehearsal)."),
        ] = "proof",
    ) -> Listing[Trial]:
        """List what was tried of a playbook. The newest comes first, without what it found."""

        def look(tx: Transaction) -> list[trials.Trial]:
            name = drafts.find(tx, organization_id, playbook).name
            return trials.listed(tx, organization_id, name, Kind(kind), most=_MOST)

        return paging.of(
            await database.read(look),
            lambda each: Trial.of(each, whole=False),
            key=lambda each: (iso(each.requested_at), each.id),
            newest_first=True,
        )

    @router.get("/{playbook}/trials/{trial}")
    async def trial(organization_id: OrganizationId, playbook: Name, trial: TrialId) -> Trial:
        """Show a trial, how far it is and what it found. Ask again until `finished_at` is set."""
        return Trial.of(await database.read(lambda tx: trials.get(tx, organization_id, trial)))

    @router.post("/{playbook}/trials/{trial}/cancel", dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def cancel_trial(author: Author, playbook: Name, trial: TrialId) -> Trial:
        """Cancel a trial. One that is over stays as it is."""
        work = await database.run(lambda tx: trials.cancel(tx, author.organization_id, trial, author.name))
        return Trial.of(work)

    @router.post("/{playbook}/backtest", status_code=202, dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def over_the_past(author: Author, playbook: Name, body: BacktestDays) -> Trial:
        """Let a worker go over the past days with a playbook.

        It says what would have been started and contained, and where limits would have been reached.
        """

        def ask(tx: Transaction) -> trials.Trial:
            name = drafts.find(tx, author.organization_id, playbook).name
            text = body.source or text_of(tx, author.organization_id, playbook)
            return trying.ask_backtest(tx, author.organization_id, name, text, catalogue, author.name, days=body.days)

        return Trial.of(await database.run(ask))

    @router.post("/{playbook}/proof", status_code=202, dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    async def prove(author: Author, playbook: Name, body: WantedProof) -> Trial:
        """Let a worker prove that a playbook lets go what it cuts off. It is played in the simulator; nothing real is touched."""
        organization_id = author.organization_id

        def ask(tx: Transaction) -> trials.Trial:
            shelf = drafts.find(tx, organization_id, playbook)
            if body.version is not None:
                found = library.version(tx, organization_id, shelf.id, body.version)
                source = library.source_of(tx, organization_id, found.id)
                return trials.request(
                    tx, organization_id, Kind.PROOF, shelf.name, source, author.name, version_id=found.id
                )
            text = body.source or text_of(tx, organization_id, playbook)
            library.usable(read(text), desk.examine(tx, organization_id, text), "playbook")
            return proofs.request(tx, organization_id, pins.pinned(tx, organization_id, text), shelf.name, author.name)

        return Trial.of(await database.run(ask))

    return router
