"""/api/v1/rehearsals: what was tried of all playbooks, and what came of each: backtests, proofs, plays in the simulator."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.listing import Listing, Paged
from ringfence.api.rehearsals import RehearsedRun
from ringfence.api.trials import Name, Trial
from ringfence.clock import iso
from ringfence.organizations import service as organizations
from ringfence.playbooks import drafts, trials
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.trials import Kind
from ringfence.rehearsals import playing
from ringfence.rehearsals.desk import Wish, text_of
from ringfence.security.access import needs
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction


class PlayedRun(BaseModel):
    """What came of a play in the simulator; `starts` says whether the trigger would have started it.

    `machine` is the simulated host, `lasted` how many seconds of played time went by until the last host was let go.
    """

    model_config = ConfigDict(from_attributes=True)

    on: str
    starts: bool | None
    why: str
    report: RehearsedRun
    notes: list[str]
    machine: str
    lasted: float


class Rehearsed(Trial):
    """What was tried of a playbook, with what came of it: `steps` of a proof, `backtest`, or `played`."""

    played: PlayedRun | None = None


class Play(BaseModel):
    """On what to play: a stored alert, or the name of an input that is kept."""

    model_config = ConfigDict(extra="forbid")

    source: str | None = Field(
        None, max_length=MAX_SOURCE, description="The YAML to play; else the playbook's draft, or its newest version."
    )
    alert: str | None = Field(None, max_length=200, description="Our id of an alert, or Defender's.")
    profile: str | None = Field(None, max_length=200, description="The name of an input that is kept for the playbook.")


def routes(database: Database, vault: Vault) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(dependencies=[needs(Permission.PLAYBOOK_READ)])
    seeing = [needs(Permission.ALERT_READ), needs(Permission.RUN_READ)]
    catalogue = discover()

    @router.get("/rehearsals", tags=["rehearsals"])
    async def listing(
        organization_id: OrganizationId,
        paging: Paged,
        kind: Annotated[
            Kind | None, Query(description="rehearsal: played in the simulator; backtest; proof of a release.")
        ] = None,
        playbook: Annotated[str | None, Query(max_length=200, description="The name of a playbook.")] = None,
    ) -> Listing[Trial]:
        """List what was tried of playbooks, the newest first. What came of each is shown one by one."""
        found = await database.read(lambda tx: trials.every(tx, organization_id, kind=kind, playbook=playbook))
        return paging.of(
            found,
            lambda each: Trial.of(each, whole=False),
            key=lambda each: (iso(each.requested_at), each.id),
            newest_first=True,
        )

    @router.get("/rehearsals/{rehearsal}", tags=["rehearsals"], dependencies=seeing)
    async def one(
        organization_id: OrganizationId, rehearsal: Annotated[str, Path(max_length=40, description="Its id.")]
    ) -> Rehearsed:
        """Show what was tried, how far it is, and what came of it. Masked fields and known secrets are not shown."""

        def look(tx: Transaction) -> Rehearsed:
            trial = trials.get(tx, organization_id, rehearsal)
            played = playing.result_of(tx, trial, catalogue, vault)
            shown = None if played is None else PlayedRun.model_validate(played)
            return Rehearsed.of(trial).model_copy(update={"played": shown})

        return await database.read(look)

    @router.post(
        "/playbooks/{playbook}/play",
        status_code=202,
        tags=["playbooks"],
        dependencies=[needs(Permission.PLAYBOOK_REHEARSE), *seeing],
    )
    async def play(author: Author, playbook: Name, body: Play) -> Trial:
        """Let a worker play a playbook in the simulator, every step of it. Nothing real is touched."""

        def ask(tx: Transaction) -> trials.Trial:
            name = drafts.find(tx, author.organization_id, playbook).name
            organization = organizations.get(tx, author.organization_id)
            text = body.source or text_of(tx, author.organization_id, playbook)
            wish = Wish(text, alert=body.alert, profile=body.profile)
            return playing.ask(tx, organization, name, wish, catalogue, author.name)

        return Trial.of(await database.run(ask))

    return router
