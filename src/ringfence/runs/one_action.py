"""One action that a person's program asks for: who may, what is written down before, and how far it comes at once.

What changes something is open to those who may publish a playbook that does it. What would wait (until a host is cut off, a scan
has ended) is not waited for: it goes on by itself, and is followed by its id.
"""

import base64
import hashlib
import json
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence import clock
from ringfence.actions import Action, ActionError, Effect, Json, Result, given
from ringfence.actions.catalogue import Catalogue
from ringfence.apps import service as apps
from ringfence.apps.shelf import shelf
from ringfence.audit import log
from ringfence.audit.events import Event
from ringfence.containment.driver import ClientSource
from ringfence.errors import Conflict, ContentTooLarge, Forbidden, NotFound, Unavailable
from ringfence.organizations import rights
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import rules
from ringfence.runs import by_hand
from ringfence.runs.attachments import safe_name
from ringfence.runs.by_hand import ByHand, GoingOn
from ringfence.runs.outside import Outside
from ringfence.security.rbac import Permission
from ringfence.storage import Database, Transaction

LARGEST_INPUT: Final = 262_144
"""Bytes of all inputs as JSON: they are written into the audit log."""
LARGEST_FILES: Final = 4_194_304
"""Bytes of all files that an action gives: they come with the answer."""
_ROUNDS: Final = 50
_CHANGES: Final = (Effect.WRITE, Effect.CONTAIN)


class ActionFailed(Conflict):
    """The action ended in an error that trying again cannot mend."""

    code = "action_failed"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be done: an action's id, its inputs by name, and the account that it is done with (its id and name)."""

    action: str
    inputs: Mapping[str, Json]
    account_id: str | None
    account: str | None


@dataclass(frozen=True, slots=True)
class File:
    """A file that an action gave; `content` is base64."""

    name: str
    size: int
    sha256: str
    content: str


@dataclass(frozen=True, slots=True)
class Carried:
    """How far an action came: `outcome` is None while what it asked for goes on; `said` are levels and messages."""

    action: str
    account: str | None
    outcome: str | None
    output: Json
    going_on: GoingOn | None
    said: tuple[tuple[str, str], ...]
    files: tuple[File, ...]


def find(catalogue: Catalogue, action_id: str) -> Action:
    """Return an action by its id; NotFound if there is none."""
    found = catalogue.find(action_id)
    if found is None:
        raise NotFound("There is no such action.", advice="Look at the list of actions.")
    return found


async def carry(
    database: Database,
    clients: ClientSource,
    catalogue: Catalogue,
    outside: Outside | None,
    organization: Organization,
    wanted: Wanted,
    *,
    by: str,
    deadline: float,
) -> Carried:
    """Carry an action out as far as it goes without waiting; `deadline` (seconds) is that of containments.

    Raises Forbidden for who may not, Invalid for inputs that do not fit, ActionFailed or Unavailable as the action ends.
    """
    action = find(catalogue, wanted.action)
    given.demand(action, wanted.inputs, advice=f"GET /api/v1/actions/{action.id} says what it takes.")
    if len(json.dumps(wanted.inputs)) > LARGEST_INPUT:
        raise ContentTooLarge(f"The inputs are larger than {LARGEST_INPUT} bytes.", advice="Send less at once.")
    await database.run(lambda tx: _begin(tx, catalogue, organization, action, wanted, by))
    said: list[tuple[str, str]] = []
    files = _Files()
    scene = by_hand.context(
        database,
        clients,
        organization,
        wanted.account_id,
        by=by,
        deadline=deadline,
        keep=files.keep,
        tell=lambda level, message: said.append((level, message)),
        outside=outside,
    )
    try:
        result = await _as_far_as_it_goes(action, scene, wanted.inputs)
    except ActionError as error:
        message = f"{action.id}: {error.message}"
        raise (ActionFailed if error.permanent else Unavailable)(message, advice=error.advice) from error
    going_on = by_hand.going_on(scene.resumed) if result is None else None
    outcome, output = (None, None) if result is None else (result.outcome, result.output)
    return Carried(action.id, wanted.account, outcome, output, going_on, tuple(said), tuple(files.kept))


def _begin(
    tx: Transaction, catalogue: Catalogue, organization: Organization, action: Action, wanted: Wanted, by: str
) -> None:
    """Refuse what this person or this organization may not do, and write down what is about to change something."""
    apps.demand(tx, shelf(catalogue), action.connector.id, organization.id)
    if action.effect not in _CHANGES:
        return
    if not organizations.is_active(tx, organization.id):
        raise Conflict("The organization is frozen or closed: nothing new is begun in it.", advice="Open it first.")
    rights.demand(tx, organization.id, by, Permission.PLAYBOOK_PUBLISH)
    rights.demand(tx, organization.id, by, Permission.RESPONSE_ACT)
    if action.effect is Effect.CONTAIN:
        rights.demand(tx, organization.id, by, Permission.CONTAINMENT_CONTAIN)
    publisher = rules.publisher(tx, organization.id, by)
    if not publisher.may_publish or action.effect not in publisher.may:
        holders = ", ".join(publisher.holders.get(action.effect.value, publisher.holders.get("publish", ())))
        raise Forbidden(
            f"By the rules of publishing, {by[:100]} may not carry out {action.id}.",
            advice=f"Ask one of: {holders or 'nobody has this right'}.",
        )
    details = {"name": action.id, "account": wanted.account, "with": dict(wanted.inputs)}
    log.write(tx, Event.ACTION_CARRIED_OUT, organization.id, action.id, details=details, actor=by)


async def _as_far_as_it_goes(action: Action, scene: ByHand, inputs: Mapping[str, Json]) -> Result | None:
    """Return what the action ended with; None where it waits, for what it left in `scene.resumed`."""
    for _ in range(_ROUNDS):
        answer = await action.call(scene, inputs)
        if isinstance(answer, Result):
            return answer
        scene.resumed = answer.state
        if answer.until is None or answer.until > clock.now():
            return None
    return None


class _Files:
    def __init__(self) -> None:
        self.kept: list[File] = []

    async def keep(self, name: str, content: bytes | AsyncIterable[bytes]) -> dict[str, Json]:
        taken = bytearray()
        left = LARGEST_FILES - sum(each.size for each in self.kept)
        async for piece in _pieces(content):
            taken += piece
            if len(taken) > left:
                raise ActionError(
                    f"What it gives is larger than {LARGEST_FILES} bytes.",
                    code="file-too-large",
                    permanent=True,
                    advice="Let a playbook do it: the files of its run are kept, and downloaded one by one.",
                )
        digest = hashlib.sha256(taken).hexdigest()
        file = File(safe_name(name), len(taken), digest, base64.b64encode(taken).decode())
        self.kept.append(file)
        return {"name": file.name, "size": file.size, "sha256": file.sha256}


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterable[bytes]:
    if isinstance(content, bytes):
        yield content
    else:
        async for piece in content:
            yield piece
