"""/api/v1/playbooks: publishing, bringing older versions back, and pausing, activating and retiring."""

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.api.access import Author
from ringfence.api.editing import IfMatch
from ringfence.api.editing import seen as seen_version
from ringfence.api.playbook_drafts import Finding, Name, Text
from ringfence.api.playbooks import Playbook
from ringfence.playbooks import library, publishing
from ringfence.playbooks.library import Release, StoredPlaybook
from ringfence.playbooks.publishing import Publishing
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

_UNPROVEN = "Publish it although its release is not proven, and say why; that is written into the audit log."


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NewVersion(Text):
    """A text that is to be published."""

    major: bool = Field(False, description="Begin the next major number.")
    unproven: str = Field("", max_length=library.LONGEST_NOTE, description=_UNPROVEN)


class PublishDraft(_Sent):
    """How the open draft is to be published."""

    major: bool = False
    note: str = Field("", max_length=library.LONGEST_NOTE)
    over: bool = Field(False, description="Also if another version was published since the draft began.")
    unproven: str = Field("", max_length=library.LONGEST_NOTE, description=_UNPROVEN)


class Rollback(_Sent):
    """The older version that is to come back."""

    version: str = Field(max_length=40)
    note: str = Field("", max_length=library.LONGEST_NOTE)
    unproven: str = Field("", max_length=library.LONGEST_NOTE, description=_UNPROVEN)


class Publication(BaseModel):
    """What came of publishing: a playbook at its newest version, the question that a second person was asked, or a trial.

    Where the rules demand a proof of release first, `trial` is its id: publish again when it is done.
    """

    playbook: Playbook | None
    changed: bool
    question: str | None
    trial: str | None
    problems: list[Finding]


def routes(database: Database, desk: Publishing) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])

    @router.post("", status_code=201, dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def publish(author: Author, body: NewVersion) -> Publication:
        """Publish a text as a version at once. Where the rules want a second person, a question is asked instead."""
        release = Release(major=body.major, note=body.note, unproven=body.unproven)
        done = await database.run(
            lambda tx: desk.publish(tx, author.organization_id, body.source, author.name, release=release)
        )
        return _publication(done)

    @router.post("/{playbook}/draft/publish", status_code=201, dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def publish_draft(
        author: Author, playbook: Name, body: PublishDraft, if_match: IfMatch = None
    ) -> Publication:
        """Publish the draft of a playbook. Send the ETag that was read as If-Match."""
        seen = seen_version(if_match)
        done = await database.run(
            lambda tx: desk.publish_draft(
                tx,
                author.organization_id,
                playbook,
                author.name,
                expected=seen,
                major=body.major,
                note=body.note,
                over=body.over,
                unproven=body.unproven,
            )
        )
        return _publication(done)

    @router.post("/{playbook}/rollback", status_code=201, dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def rollback(author: Author, playbook: Name, body: Rollback) -> Publication:
        """Bring the text of an older version back as a new one. It is checked again, as things stand now."""
        done = await database.run(
            lambda tx: desk.roll_back(
                tx,
                author.organization_id,
                playbook,
                body.version,
                author.name,
                note=body.note,
                unproven=body.unproven,
            )
        )
        return _publication(done)

    @router.post("/{playbook}/pause", dependencies=[needs(Permission.PLAYBOOK_CONTROL)])
    async def pause(author: Author, playbook: Name) -> Playbook:
        """Pause a playbook. Nothing starts it until it is activated; runs that are going on go on."""
        return Playbook.model_validate(
            await database.run(lambda tx: library.pause(tx, author.organization_id, playbook))
        )

    @router.post("/{playbook}/activate", dependencies=[needs(Permission.PLAYBOOK_CONTROL)])
    async def activate(author: Author, playbook: Name) -> Playbook:
        """Activate a playbook. It is checked again, as things stand now."""

        def work(tx: Transaction) -> StoredPlaybook:
            return desk.activate(tx, author.organization_id, playbook, author.name)[0]

        return Playbook.model_validate(await database.run(work))

    @router.post("/{playbook}/retire", dependencies=[needs(Permission.PLAYBOOK_CONTROL)])
    async def retire(author: Author, playbook: Name) -> Playbook:
        """Retire a playbook. Nothing starts it any more, and its runs stay."""
        return Playbook.model_validate(
            await database.run(lambda tx: library.retire(tx, author.organization_id, playbook))
        )

    return router


def _publication(done: publishing.Done) -> Publication:
    came = done.published
    return Publication(
        playbook=None if came is None else Playbook.model_validate(came.playbook),
        changed=came is not None and came.changed,
        question=None if done.question is None else done.question.id,
        trial=None if done.trial is None else done.trial.id,
        problems=[Finding.model_validate(each) for each in done.problems],
    )
