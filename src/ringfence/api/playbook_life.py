"""/api/v1/playbooks: drafts, versions, differences, publishing, and the rules of it."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author, OrganizationId
from ringfence.api.editing import IfMatch
from ringfence.api.editing import seen as seen_version
from ringfence.api.listing import Listing, Paged
from ringfence.api.playbooks import Playbook
from ringfence.clock import iso
from ringfence.errors import Invalid
from ringfence.playbooks import difference, drafts, library, publishing, rules, trials
from ringfence.playbooks.document import read
from ringfence.playbooks.library import MAX_SOURCE, Release, StoredPlaybook
from ringfence.playbooks.publishing import Publishing
from ringfence.security.access import needs
from ringfence.security.egress import networks
from ringfence.security.rbac import Permission
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Draft(_Read):
    """One save of a draft; `base` is the version that it began from."""

    playbook_id: str
    name: str
    revision: int
    base: str
    note: str
    saved_at: AwareDatetime
    saved_by: str
    open: bool


class Finding(_Read):
    """What is wrong with a playbook, and where."""

    code: str
    severity: Literal["error", "warning", "note"]
    message: str
    advice: str
    line: int
    column: int
    step: str | None
    field: str | None


class DraftWithSource(Draft):
    """A draft with its text, and what is wrong with it."""

    source: str
    problems: list[Finding]


class Version(_Read):
    """A published version; `restores` is the older one whose text it brought back."""

    id: str
    version: str = Field(validation_alias="number")
    published_at: AwareDatetime
    published_by: str
    approved_by: str
    note: str
    restores: str


class VersionWithSource(Version):
    """A published version with its text, and what a worker found when it tried whether it lets go what it cuts off.

    `release_proven` is null where nothing was tried, or is not done yet; `trial` is the proof's id.
    """

    source: str
    release_proven: bool | None = None
    release_detail: str = ""
    trial: str | None = None


class Change(_Read):
    """One difference between two versions."""

    kind: str
    step: str | None
    field: str | None
    before: Any
    after: Any
    sentence: str


class Diff(BaseModel):
    """What differs; without changes, both mean the same."""

    before: str
    after: str
    changes: list[Change]


_UNPROVEN = "Publish it although its release is not proven, and say why; that is written into the audit log."


class Text(_Sent):
    """The text of a playbook."""

    source: str = Field(max_length=MAX_SOURCE)
    note: str = Field("", max_length=library.LONGEST_NOTE)


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


class Checked(BaseModel):
    """What is wrong with a text."""

    publishable: bool
    problems: list[Finding]


class Standing(_Read):
    """The rules of publishing; version 0 where nobody has said anything."""

    rules: rules.Rules
    version: int
    changed_at: AwareDatetime | None
    changed_by: str


Name = Annotated[str, Path(max_length=200, description="The playbook's id or name.")]


def routes(database: Database, settings: Settings) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_READ)])
    desk = Publishing(discover(), networks(settings.egress_private))

    @router.get("/rules")
    async def standing(organization_id: OrganizationId, response: Response) -> Standing:
        """Show the rules of publishing. They say who may publish what changes or contains."""
        found = await database.read(lambda tx: rules.standing(tx, organization_id))
        response.headers["ETag"] = f'"{found.version}"'
        return Standing.model_validate(found)

    @router.put("/rules", dependencies=[needs(Permission.PLAYBOOK_RULES)])
    async def change_rules(author: Author, body: rules.Rules, response: Response, if_match: IfMatch = None) -> Standing:
        """Change the rules of publishing. Send the ETag that was read as If-Match."""
        seen = seen_version(if_match)
        made = await database.run(lambda tx: rules.put(tx, author.organization_id, body, author.name, expected=seen))
        response.headers["ETag"] = f'"{made.version}"'
        return Standing.model_validate(made)

    @router.post("/check")
    async def check(author: Author, body: Text) -> Checked:
        """Check the text of a playbook. Nothing is stored; every finding says where it is and what to do."""
        found = await database.read(lambda tx: desk.examine(tx, author.organization_id, body.source, author.name))
        publishable = not any(each.severity == "error" for each in found)
        return Checked(publishable=publishable, problems=[Finding.model_validate(each) for each in found])

    @router.get("/drafts")
    async def opened(organization_id: OrganizationId, paging: Paged) -> Listing[Draft]:
        """List the drafts that are open. Each says which version it began from."""
        found = await database.read(lambda tx: drafts.opened(tx, organization_id))
        return paging.of(found, Draft.model_validate, key=lambda each: (each.name, each.playbook_id))

    async def save(
        author: Author, body: Text, response: Response, seen: int | None, playbook: str | None
    ) -> DraftWithSource:
        def work(tx: Transaction) -> DraftWithSource:
            saved = drafts.save(
                tx, author.organization_id, body.source, author.name, playbook=playbook, expected=seen, note=body.note
            )
            return _draft(desk, tx, saved, author.name)

        made = await database.run(work)
        response.headers["ETag"] = f'"{made.revision}"'
        return made

    @router.post("/drafts", status_code=201, dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def begin(author: Author, body: Text, response: Response) -> DraftWithSource:
        """Begin a draft. A playbook of the same name must not have one."""
        return await save(author, body, response, 0, None)

    @router.post("", status_code=201, dependencies=[needs(Permission.PLAYBOOK_PUBLISH)])
    async def publish(author: Author, body: NewVersion) -> Publication:
        """Publish a text as a version at once. Where the rules want a second person, a question is asked instead."""
        release = Release(major=body.major, note=body.note, unproven=body.unproven)
        done = await database.run(
            lambda tx: desk.publish(tx, author.organization_id, body.source, author.name, release=release)
        )
        return _publication(done)

    @router.get("/{playbook}/draft")
    async def draft(organization_id: OrganizationId, playbook: Name, response: Response) -> DraftWithSource:
        """Show the draft of a playbook with what is wrong with it. Its ETag is the number of the save."""
        found = await database.read(lambda tx: _draft(desk, tx, drafts.current(tx, organization_id, playbook), None))
        response.headers["ETag"] = f'"{found.revision}"'
        return found

    @router.put("/{playbook}/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def rewrite(
        author: Author, playbook: Name, body: Text, response: Response, if_match: IfMatch = None
    ) -> DraftWithSource:
        """Save the draft of a playbook. Send the ETag that was read as If-Match, "0" where there was none."""
        return await save(author, body, response, seen_version(if_match), playbook)

    @router.delete("/{playbook}/draft", dependencies=[needs(Permission.PLAYBOOK_WRITE)])
    async def discard(author: Author, playbook: Name, if_match: IfMatch = None) -> Draft:
        """Discard the draft of a playbook. Its saves are kept, and can be read."""
        seen = seen_version(if_match)
        closed = await database.run(
            lambda tx: drafts.discard(tx, author.organization_id, playbook, author.name, expected=seen)
        )
        return Draft.model_validate(closed)

    @router.get("/{playbook}/draft/history")
    async def saves(organization_id: OrganizationId, paging: Paged, playbook: Name) -> Listing[Draft]:
        """List every save of a playbook's drafts. The newest comes first."""
        found = await database.read(lambda tx: drafts.history(tx, organization_id, playbook))
        return paging.of(found, Draft.model_validate, key=lambda each: (each.revision,), newest_first=True)

    @router.get("/{playbook}/draft/history/{revision}")
    async def one_save(
        organization_id: OrganizationId, playbook: Name, revision: Annotated[int, Path(ge=1, le=999_999_999)]
    ) -> DraftWithSource:
        """Show one save of a playbook's draft. What is wrong with it is reckoned anew."""
        return await database.read(
            lambda tx: _draft(desk, tx, drafts.revision(tx, organization_id, playbook, revision), None)
        )

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

    @router.get("/{playbook}/versions")
    async def versions(organization_id: OrganizationId, paging: Paged, playbook: Name) -> Listing[Version]:
        """List the published versions of a playbook. The newest comes first."""
        found = await database.read(lambda tx: library.versions(tx, organization_id, playbook))
        return paging.of(
            found, Version.model_validate, key=lambda each: (iso(each.published_at), each.id), newest_first=True
        )

    @router.get("/{playbook}/versions/{version}")
    async def one_version(
        organization_id: OrganizationId, playbook: Name, version: Annotated[str, Path(max_length=40)]
    ) -> VersionWithSource:
        """Show one published version with its text. Versions never change."""

        def look(tx: Transaction) -> VersionWithSource:
            found = library.version(tx, organization_id, playbook, version)
            source = library.source_of(tx, organization_id, found.id)
            named = Version.model_validate(found).model_dump() | {"number": found.number, "source": source}
            proof = trials.proof_of_version(tx, found.id)
            if proof is not None:
                named |= {"release_proven": proof.proven, "release_detail": proof.detail, "trial": proof.id}
            return VersionWithSource.model_validate(named)

        return await database.read(look)

    @router.get("/{playbook}/diff")
    async def diff(
        organization_id: OrganizationId,
        playbook: Name,
        before: Annotated[str, Query(max_length=40, description="A version, or `draft`.")],
        after: Annotated[str, Query(max_length=40, description="A version, or `draft`.")],
    ) -> Diff:
        """Say what differs between two versions, or a version and the draft.

        Each change is a sentence, and can be read by programs.
        """

        def look(tx: Transaction) -> Diff:
            first, second = (_text(tx, organization_id, playbook, side) for side in (before, after))
            was, now = read(first), read(second)
            if now.playbook is None or was.playbook is None:
                lines = tuple(each.render("playbook") for each in (*was.problems, *now.problems))
                raise Invalid("One of the two cannot be read.", advice="Correct it first.", problems=lines)
            changes = difference.compare(was.playbook, now.playbook)
            return Diff(before=before, after=after, changes=[Change.model_validate(each) for each in changes])

        return await database.read(look)

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


def _draft(desk: Publishing, tx: Transaction, found: drafts.Draft, by: str | None) -> DraftWithSource:
    problems = desk.examine(tx, found.organization_id, found.source, by)
    named = Draft.model_validate(found).model_dump()
    return DraftWithSource(**named, source=found.source, problems=[Finding.model_validate(each) for each in problems])


def _publication(done: publishing.Done) -> Publication:
    came = done.published
    return Publication(
        playbook=None if came is None else Playbook.model_validate(came.playbook),
        changed=came is not None and came.changed,
        question=None if done.question is None else done.question.id,
        trial=None if done.trial is None else done.trial.id,
        problems=[Finding.model_validate(each) for each in done.problems],
    )


def _text(tx: Transaction, organization_id: str, playbook: str, side: str) -> str:
    if side == "draft":
        return drafts.current(tx, organization_id, playbook).source
    return library.source_of(tx, organization_id, library.version(tx, organization_id, playbook, side).id)
