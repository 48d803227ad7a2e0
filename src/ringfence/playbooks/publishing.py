"""What people do with versions: publish a text or a draft, bring an older version back, activate; alone or with a second person.

Each works inside the caller's transaction. Where the organization's rules ask for a second person, publishing asks and changes
nothing; the version is made in the transaction of the yes, by `answered`.
"""

from dataclasses import dataclass
from typing import Final

from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Question, State, Subject
from ringfence.errors import Conflict, Forbidden, Invalid, NotFound
from ringfence.organizations import teams
from ringfence.playbooks import drafts, library, pins, proofs, rules, surroundings
from ringfence.playbooks.calls import reached
from ringfence.playbooks.difference import Change, compare
from ringfence.playbooks.document import Document, read
from ringfence.playbooks.drafts import Draft, Shelf
from ringfence.playbooks.library import PlaybookState, Published, Release, StoredPlaybook
from ringfence.playbooks.model import Catalogue, Effect, Playbook
from ringfence.playbooks.problems import Problem, has_errors
from ringfence.playbooks.proof import holds
from ringfence.playbooks.trials import Trial
from ringfence.security.egress import Network
from ringfence.storage import Transaction

PATIENCE: Final = 7 * 86_400.0
_UNDO: Final = "An older version can be brought back at any time; what runs of this one did stays done."
_MOST_REASONS: Final = 60


@dataclass(frozen=True, slots=True)
class Done:
    """What came of publishing: a version, the question that a second person was asked, or the proof that must come first."""

    published: Published | None
    question: Approval | None
    problems: tuple[Problem, ...]
    trial: Trial | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """What publishing would do now; `obstacle` is a sentence about what stands in the way beside the problems.

    `version` is the number that it would get; without `changes` the newest version means the same already. `proof_first` says
    that its release must be proven before.
    """

    version: str
    changes: tuple[Change, ...]
    problems: tuple[Problem, ...]
    obstacle: str
    second_person: bool
    proof_first: bool = False

    @property
    def publishable(self) -> bool:
        """Whether publishing would be accepted."""
        return not self.obstacle and not has_errors(self.problems)


class Publishing:
    """Publishes with the actions that are installed; `allowed` are the private networks that requests may reach."""

    def __init__(self, catalogue: Catalogue, allowed: tuple[Network, ...] | None = None) -> None:
        self._catalogue = catalogue
        self._allowed = allowed

    def examine(self, tx: Transaction, organization_id: str, source: str, by: str | None = None) -> tuple[Problem, ...]:
        """Give everything that is wrong with a text here and now, and with `by` publishing it."""
        return self._examine(tx, organization_id, source, by)[1]

    def preview(self, tx: Transaction, organization_id: str, draft: Draft, by: str, *, major: bool = False) -> Preview:
        """Say what publishing a draft would do; nothing is changed."""
        document, problems = self._examine(tx, organization_id, draft.source, by)
        shelf = drafts.find(tx, organization_id, draft.playbook_id)
        before = _newest(tx, shelf)
        number = library.next_number(before, major=major)
        was = None if before is None else _read(tx, before)
        changes = compare(was, document.playbook) if document.playbook is not None else ()
        second = rules.standing(tx, organization_id).rules.second_person
        first = rules.standing(tx, organization_id).rules.prove == "demand" and self.holds(
            tx, organization_id, draft.source
        )
        return Preview(f"{number[0]}.{number[1]}", changes, problems, _overtaken(shelf, draft), second, first)

    def holds(self, tx: Transaction, organization_id: str, source: str) -> bool:
        """Say whether a text cuts hosts off, itself or through components."""
        playbook = read(source).playbook
        if playbook is None:
            return False
        return holds(playbook, surroundings.components(tx, organization_id, playbook), self._catalogue)

    def publish(
        self,
        tx: Transaction,
        organization_id: str,
        source: str,
        by: str,
        *,
        path: str = "playbook",
        release: Release = Release(),  # noqa: B008 - frozen
    ) -> Done:
        """Publish a text as the newest version of the playbook that it names; see `library.publish` for what is refused."""
        document, problems = self._examine(tx, organization_id, source, by)
        playbook = library.usable(document, problems, path)
        source = pins.pinned(tx, organization_id, source)
        known = _known(tx, organization_id, release.playbook_id or playbook.name)
        new = known is None or release.major or library.source_of(tx, organization_id, known.version_id) != source
        cuts = new and proofs.needed(tx, organization_id, playbook, self._catalogue)
        trial = self._first(tx, organization_id, source, playbook, by, release) if cuts else None
        second = new and rules.standing(tx, organization_id).rules.second_person
        if trial is not None or second:
            draft = _draft_of(tx, organization_id, source, by, release, playbook.name)
            question = None if trial is not None else self._ask(tx, draft, playbook, by, problems, release, holds=cuts)
            return Done(None, question, problems, trial)
        published = library.put_version(tx, organization_id, playbook.name, source, by, release)
        if cuts:
            _follow(tx, published, source, by, release.unproven)
            _close_same(tx, published.playbook, source)
        return Done(published, None, problems)

    def publish_draft(
        self,
        tx: Transaction,
        organization_id: str,
        playbook: str,
        by: str,
        *,
        expected: int | None = None,
        major: bool = False,
        note: str = "",
        over: bool = False,
        path: str = "draft",
        unproven: str = "",
    ) -> Done:
        """Publish the open draft of a playbook (its id or name), and close it.

        Conflict if it is no longer at the revision `expected`, or if a version was published since it began, unless `over`.
        """
        draft = drafts.current(tx, organization_id, playbook)
        if expected is not None and expected != draft.revision:
            raise Conflict(
                f"The draft is at revision {draft.revision}, saved by {draft.saved_by}; you have seen {expected}.",
                advice="Look at what it says now, then publish that.",
            )
        shelf = drafts.find(tx, organization_id, draft.playbook_id)
        obstacle = _overtaken(shelf, draft)
        if obstacle and not over:
            raise Conflict(
                obstacle,
                advice="Compare both (`ringfence playbook diff`), then publish with --over, or save a new draft.",
            )
        document, problems = self._examine(tx, organization_id, draft.source, by)
        checked = library.usable(document, problems, path)
        release = Release(playbook_id=shelf.id, major=major, note=note or draft.note, unproven=unproven)
        source = pins.pinned(tx, organization_id, draft.source)
        cuts = proofs.needed(tx, organization_id, checked, self._catalogue)
        trial = self._first(tx, organization_id, source, checked, by, release) if cuts else None
        if trial is not None or rules.standing(tx, organization_id).rules.second_person:
            # What is proven and approved is what will be published, with the versions of components in it.
            draft = drafts.save(tx, organization_id, source, by, playbook=shelf.id, note=draft.note)
            question = None if trial is not None else self._ask(tx, draft, checked, by, problems, release, holds=cuts)
            return Done(None, question, problems, trial)
        published = library.put_version(tx, organization_id, checked.name, source, by, release)
        drafts.close(tx, draft)
        if cuts:
            _follow(tx, published, source, by, unproven)
        return Done(published, None, problems)

    def roll_back(
        self,
        tx: Transaction,
        organization_id: str,
        playbook: str,
        number: str,
        by: str,
        *,
        note: str = "",
        unproven: str = "",
    ) -> Done:
        """Publish the text of an older version as a new one; Conflict where it is the newest, or says the same.

        It is examined as any text: what has become wrong since is refused.
        """
        stored = library.get(tx, organization_id, playbook)
        older = library.version(tx, organization_id, stored.id, number)
        source = library.source_of(tx, organization_id, older.id)
        if source == library.source_of(tx, organization_id, stored.version_id):
            raise Conflict(
                f"The newest version, {stored.version}, says the same as {older.number}.",
                advice="Name an older version; `ringfence playbook versions` lists them.",
            )
        release = Release(stored.id, note=note, restores=older.number, unproven=unproven)
        return self.publish(tx, organization_id, source, by, path=f"version {older.number}", release=release)

    def activate(
        self, tx: Transaction, organization_id: str, playbook: str, by: str
    ) -> tuple[StoredPlaybook, tuple[Problem, ...]]:
        """Let a paused or retired playbook start runs again; Invalid where what it says has become wrong, or `by` may not."""
        stored = library.get(tx, organization_id, playbook)
        if stored.state is PlaybookState.ACTIVE:
            return stored, ()
        document, problems = self._examine(
            tx, organization_id, library.source_of(tx, organization_id, stored.version_id), by
        )
        library.usable(document, problems, f"version {stored.version}")
        return library.resume(tx, organization_id, stored.id), problems

    def _examine(
        self, tx: Transaction, organization_id: str, source: str, by: str | None
    ) -> tuple[Document, tuple[Problem, ...]]:
        return library.examine(tx, organization_id, source, by, catalogue=self._catalogue, allowed=self._allowed)

    def _first(
        self, tx: Transaction, organization_id: str, source: str, playbook: Playbook, by: str, release: Release
    ) -> Trial | None:
        """Return the proof that must come before a text is published; None where it may be published at once."""
        if release.unproven.strip():
            return None
        return proofs.demanded(tx, organization_id, source, playbook, by)

    def _ask(
        self,
        tx: Transaction,
        draft: Draft,
        playbook: Playbook,
        by: str,
        problems: tuple[Problem, ...],
        release: Release,
        *,
        holds: bool,
    ) -> Approval:
        shelf = drafts.find(tx, draft.organization_id, draft.playbook_id)
        newest = _newest(tx, shelf)
        number = "{}.{}".format(*library.next_number(newest, major=release.major))
        inner = surroundings.components(tx, draft.organization_id, playbook)
        effects = {action.effect for _, action in reached(playbook, inner, self._catalogue)}
        said = [each.sentence for each in compare(None if newest is None else _read(tx, newest), playbook)]
        said += [f"{each.severity.value.capitalize()}: {each.message}" for each in problems]
        wanted = rules.standing(tx, draft.organization_id).rules
        asked = approvals.open_for(tx, Subject.PLAYBOOK, draft.playbook_id)
        if asked is not None and (asked.question.bound_to["revision"], asked.question.bound_to["major"]) != (
            draft.revision,
            release.major,
        ):
            approvals.void(tx, asked, "Something else is to be published.")
        question = Question(
            subject=Subject.PLAYBOOK,
            subject_id=draft.playbook_id,
            text=f"Publish {playbook.name} {number}?",
            reasons=tuple(said[:_MOST_REASONS]),
            bound_to={
                "playbook": playbook.name,
                "version": number,
                "instead_of": shelf.version or "nothing",
                "revision": draft.revision,
                "major": release.major,
                "restores": release.restores,
                "note": release.note,
                "unproven": release.unproven,
                "holds": holds,
                "effects": sorted(each.value for each in effects),
                "sha256": library.digest(draft.source),
                "undo": _UNDO,
            },
            asked_by=by,
            patience=PATIENCE,
            approvers=_approvers(tx, draft.organization_id, wanted.approvers or wanted.publish, by),
        )
        return approvals.ask(tx, draft.organization_id, question)


def demand_approver(tx: Transaction, approval: Approval, by: str) -> None:
    """Raise Forbidden unless a person may publish what a question is about: a yes lends no right that one does not have."""
    found = rules.publisher(tx, approval.organization_id, by)
    lacking = [each for each in approval.question.bound_to["effects"] if Effect(each) not in found.may]
    if not found.may_publish:
        lacking.append("publish")
    if lacking:
        holders = sorted({name for each in lacking for name in found.holders.get(each, ())})
        raise Forbidden(
            f"{by[:100]} may not publish what this playbook does ({', '.join(lacking)}).",
            advice=f"Ask one of: {', '.join(holders) or 'nobody has this right'}.",
        )


def answered(tx: Transaction, approval: Approval) -> Published | None:
    """Make the version that a second person has approved; None if the answer was not yes.

    Conflict where the playbook has moved on since the question was asked: then the yes was for something else.
    """
    if approval.state is not State.APPROVED:
        return None
    bound = approval.question.bound_to
    organization_id, playbook_id = approval.organization_id, approval.question.subject_id
    draft = drafts.revision(tx, organization_id, playbook_id, bound["revision"])
    shelf = drafts.find(tx, organization_id, playbook_id)
    if (
        not draft.open
        or (shelf.version or "nothing") != bound["instead_of"]
        or library.digest(draft.source) != bound["sha256"]
    ):
        raise Conflict(
            "The playbook has changed since this was asked.", advice="Ask again: publish the draft as it is now."
        )
    names = ", ".join(each.by for each in approval.answers if each.yes)
    release = Release(playbook_id, bound["major"], bound["note"], bound["restores"], approved_by=names)
    name = bound["playbook"]
    published = library.put_version(tx, organization_id, name, draft.source, approval.question.asked_by, release)
    drafts.close(tx, draft)
    # Questions that an older release asked do not say it.
    if bound.get("holds"):
        _follow(tx, published, draft.source, approval.question.asked_by, bound["unproven"])
    return published


def _follow(tx: Transaction, published: Published, source: str, by: str, unproven: str) -> None:
    stored = published.playbook
    if published.changed:
        proofs.follow(tx, stored.organization_id, stored.version_id, source, stored.name, by, unproven.strip())


def _approvers(tx: Transaction, organization_id: str, names: tuple[str, ...], by: str) -> tuple[str, ...]:
    people = teams.people(tx, organization_id, names) if names else ()
    others = tuple(each for each in people if each != by)
    if names and not others:
        raise Invalid(
            "A second person must approve this, and there is nobody but you who may.",
            advice="Name more people: `ringfence playbook rules set --approvers …`.",
        )
    return others


def _newest(tx: Transaction, shelf: Shelf) -> StoredPlaybook | None:
    return None if shelf.version_id is None else library.get(tx, shelf.organization_id, shelf.id)


def _draft_of(tx: Transaction, organization_id: str, source: str, by: str, release: Release, name: str) -> Draft:
    """Keep a text as a draft until the second person has answered; Conflict where somebody is editing another one."""
    try:
        shelf = drafts.find(tx, organization_id, release.playbook_id or name)
    except NotFound:
        shelf = None
    if shelf is not None and shelf.revision is not None:
        there = drafts.current(tx, organization_id, shelf.id)
        if there.source != source:
            raise Conflict(
                f"{there.saved_by} is editing a draft of {shelf.name!r} (revision {there.revision}), and a second person must "
                "approve every version.",
                advice="Publish or discard that draft first: `ringfence playbook draft`.",
            )
    return drafts.save(tx, organization_id, source, by, playbook=release.playbook_id, note=release.note)


def _close_same(tx: Transaction, stored: StoredPlaybook, source: str) -> None:
    """Close the draft as which a text was kept until its release was proven."""
    shelf = drafts.find(tx, stored.organization_id, stored.id)
    if shelf.revision is not None:
        draft = drafts.current(tx, stored.organization_id, stored.id)
        if draft.source == source:
            drafts.close(tx, draft)


def _known(tx: Transaction, organization_id: str, playbook: str) -> StoredPlaybook | None:
    try:
        return library.get(tx, organization_id, playbook)
    except NotFound:
        return None


def _read(tx: Transaction, stored: StoredPlaybook) -> Playbook | None:
    return read(library.source_of(tx, stored.organization_id, stored.version_id)).playbook


def _overtaken(shelf: Shelf, draft: Draft) -> str:
    """Say in a sentence that another version came between, or nothing."""
    if shelf.version_id == draft.base_version_id:
        return ""
    began = f"from {draft.base}" if draft.base else "before there was any version"
    return f"Version {shelf.version} of {shelf.name!r} was published since this draft began, {began}."
