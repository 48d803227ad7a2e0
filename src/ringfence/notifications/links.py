"""Links by which a person answers a question without signing in: signed, for one person and one answer, used once.

Nothing in the database lets anybody make one: a link is the id of its row and a signature by the installation's key. It is
dead when it was used, when its time is over, or when the question is over or no longer the one that it was made for.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from ringfence import clock
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval
from ringfence.audit.acting import Via, acting
from ringfence.containment import asking
from ringfence.errors import NotFound
from ringfence.organizations import members
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission
from ringfence.storage import Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import approval_links

_PURPOSE = "approval-link"


class DeadLink(NotFound):
    """The link answers nothing: it is not ours, was used, or its question is over. Which of these is not told."""

    code = "dead_link"

    def __init__(self) -> None:
        super().__init__(
            "This link does not answer anything: it is incomplete, was used, or the question is over.",
            advice="Sign in and look at the page of approvals, or wait for the next message.",
        )


@dataclass(frozen=True, slots=True)
class Opened:
    """What a living link would do."""

    id: str
    person: str
    yes: bool
    approval: Approval


def make(tx: Transaction, vault: Vault, approval: Approval, person: str) -> tuple[str, str]:
    """Return the tokens of one person's links, for yes and for no: the same however often they are made."""
    found: list[str] = []
    for yes in (True, False):
        row = {
            "id": clock.new_id(),
            "approval_id": approval.id,
            "person": person,
            "yes": yes,
            "fingerprint": fingerprint(approval),
            "made_at": clock.now(),
            "expires_at": _ends(approval),
        }
        tx.insert_new(approval_links, [row])
        mine = (
            approval_links.c.approval_id == approval.id,
            approval_links.c.person == person,
            approval_links.c.yes.is_(yes),
        )
        link_id = tx.scalar(sa.select(approval_links.c.id).where(*mine))
        found.append(f"{link_id}.{vault.sign(_PURPOSE, link_id)}")
    return found[0], found[1]


def look(tx: Transaction, vault: Vault, token: str) -> Opened:
    """Return what a link would do, without doing it; DeadLink if it does nothing."""
    link_id, _, signature = token.partition(".")
    # Judged before anything is looked for, so that a guess learns nothing, not even by how long it takes.
    if not vault.signed(_PURPOSE, storable(link_id), storable(signature)):
        raise DeadLink
    row = tx.one(sa.select(approval_links).where(approval_links.c.id == link_id))
    if row is None or row["used_at"] is not None or row["expires_at"] <= clock.now():
        raise DeadLink
    approval = approvals.get(tx, row["approval_id"])
    over = not approval.open or approval.expires_at <= clock.now() or row["fingerprint"] != fingerprint(approval)
    if over or any(each.by == row["person"] for each in approval.answers) or barred(tx, approval, row["person"]):
        raise DeadLink
    return Opened(link_id, row["person"], row["yes"], approval)


def barred(tx: Transaction, approval: Approval, person: str) -> bool:
    """Say whether somebody works here as what may not answer: a link gives nobody more than their role."""
    return members.lacks(tx, approval.organization_id, person, Permission.APPROVAL_ANSWER)


def use(tx: Transaction, vault: Vault, token: str, *, comment: str = "") -> Approval:
    """Answer by a link, once, in its person's name; both links of this person are used up. DeadLink as `look`."""
    opened = look(tx, vault, token)
    links = approval_links.c
    mine = (links.approval_id == opened.approval.id, links.person == opened.person, links.used_at.is_(None))
    taken = tx.execute(sa.update(approval_links).where(*mine).values(used_at=clock.now())).rowcount
    # Two uses at once: the second waits for the first, and then finds nothing left.
    if not taken:
        raise DeadLink
    with acting(opened.person, Via.LINK):
        return asking.answer(
            tx,
            opened.approval.id,
            organization_id=opened.approval.organization_id,
            by=opened.person,
            yes=opened.yes,
            via="link",
            comment=comment,
        )


def ended(tx: Transaction, vault: Vault, token: str) -> Approval | None:
    """Return the question of a link of ours that is over, for whoever comes back to it; None where it is not, or not ours."""
    link_id, _, signature = token.partition(".")
    if not vault.signed(_PURPOSE, storable(link_id), storable(signature)):
        return None
    row = tx.one(sa.select(approval_links.c.approval_id).where(approval_links.c.id == link_id))
    approval = approvals.get(tx, row["approval_id"]) if row is not None else None
    return approval if approval is not None and not approval.open else None


def fingerprint(approval: Approval) -> str:
    """Return what tells a question and its facts from any other."""
    question = approval.question
    whole = [approval.id, question.subject.value, question.subject_id, question.text, question.bound_to]
    return hashlib.sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()


def _ends(approval: Approval) -> datetime:
    waits = bool(approval.question.escalate_to) and approval.escalated_at is None
    return approval.expires_at + timedelta(seconds=approval.question.patience if waits else 0.0)
