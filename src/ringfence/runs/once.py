"""How the effect of each operation is made at most once: by a key that it leaves in Defender, and by looking before and after.

What leaves the key: machine actions as their ExternalId and in their comment, comments and raised alerts in their text,
cancellations in their comment. What leaves none either changes nothing when it is made again (tags, values, indicators,
deletions; the client itself repeats those), or is known again by what it made (files of the library, investigations).
"""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import timedelta
from typing import Any, Final, TypeAlias, TypeVar

from ringfence import clock
from ringfence.actions import ActionError, Json
from ringfence.containment.history import find_ours, marker, owner_of
from ringfence.containment.target import kind_of
from ringfence.defender import DefenderClient, NotFound, ReplyLost, WrongAddress, odata
from ringfence.defender.wire import ActionStatus, ActionType, AlertComment, MachineAction

Arguments: TypeAlias = Mapping[str, Any]
Way: TypeAlias = Callable[[DefenderClient, str, str, Arguments], Awaitable[object]]
T = TypeVar("T")

_HISTORY = 100
# Defender's clock and ours need not agree.
_CLOCKS_APART = timedelta(minutes=2)
_LARGEST_QUESTION = 20


async def make(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    """Carry out an operation that changes something, or give what an earlier call with the key did.

    Raises DefenderError, and ActionError for what this installation refuses or could not find out.
    """
    way = _WAYS.get(operation, _plainly)
    return await way(client, operation, key, arguments)


def mark(text: str, key: str) -> str:
    """Return a text for people with the key by which it is found again."""
    return f"{text} [Ringfence {key}]"


def _has(key: str, texts: Iterable[str | None]) -> bool:
    return any(f"[Ringfence {key}]" in (text or "") for text in texts)


async def _plainly(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    return await _send(client, operation, arguments)


async def _send(client: DefenderClient, operation: str, arguments: Arguments) -> Any:
    return await getattr(client, operation)(**arguments)


async def _once(look: Callable[[], Awaitable[T | None]], send: Callable[[], Awaitable[T]]) -> T:
    """Look, act, and look again if the reply was lost."""
    if (before := await look()) is not None:
        return before
    try:
        return await send()
    except ReplyLost as lost:
        if (after := await look()) is not None:
            return after
        raise ActionError(
            "Defender's reply was lost and the change is not there.",
            code="reply-lost",
            permanent=False,
            advice="Let the step try again, or look in the portal first.",
        ) from lost


# --- machines ------------------------------------------------------------------------------------------------------------

_ACTIONS: Final = {
    "run_live_response": ActionType.LIVE_RESPONSE,
}


async def _act(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> MachineAction:
    kind, machine_id, key = _ACTIONS[operation], _machine_id(arguments), f"ringfence:{key}"

    async def look() -> MachineAction | None:
        wanted = odata.both(odata.eq("machineId", machine_id), odata.eq("type", kind.value))
        listed = client.list_machine_actions(filter=wanted, order_by="creationDateTimeUtc desc", limit=_HISTORY)
        return find_ours([action async for action in listed], kind, key)

    async def send() -> MachineAction:
        marked = {"comment": f"{arguments['comment']} {marker(key)}", "external_id": key}
        action: MachineAction = await _send(client, operation, {**arguments, **marked})
        if find_ours([action], kind, key) is None:
            # Some tenants answer a request that repeats a pending one with that one instead of refusing it.
            raise ActionError(
                f"The same action by {owner_of(action)} is already in progress on this machine.",
                code="ActiveRequestAlreadyExists",
                permanent=True,
                advice="Wait until it has ended, or follow that one: list_machine_actions shows it.",
            )
        return action

    return await _once(look, send)


def _machine_id(arguments: Arguments) -> str:
    machine_id = str(arguments.get("machine_id", ""))
    if kind_of(machine_id) != "machine id":
        message = f"{machine_id[:80]!r} is not the Defender id of a machine."
        advice = "An effect needs the id, 40 hexadecimal digits; find it by defender.get_machine or list_machines."
        raise ActionError(message, code="not-a-machine-id", permanent=True, advice=advice)
    return machine_id


async def _cancel(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> MachineAction:
    found = await client.get_machine_action(str(arguments["action_id"]))
    if found.type in (ActionType.ISOLATE, ActionType.UNISOLATE):
        raise ActionError(
            "Isolations and releases are not cancelled by a step of a playbook.",
            code="only-through-containment",
            permanent=True,
            advice="Use containment.release; it withdraws an isolation that is still pending.",
        )

    async def look() -> MachineAction | None:
        seen = await client.get_machine_action(found.id)
        return seen if seen.status == ActionStatus.CANCELLED else None

    async def send() -> MachineAction:
        marked = {**arguments, "comment": mark(arguments["comment"], key)}
        cancelled: MachineAction = await _send(client, operation, marked)
        return cancelled

    return found if found.status == ActionStatus.CANCELLED else await _once(look, send)


async def _investigate(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    machine_id, since = _machine_id(arguments), clock.now() - _CLOCKS_APART

    async def sought() -> list[object]:
        wanted = odata.both(odata.eq("machineId", machine_id), odata.ge("startTime", since))
        return [each async for each in client.list_investigations(filter=wanted, limit=_HISTORY)]

    before = len(await sought())
    try:
        return await _send(client, operation, arguments)
    except ReplyLost as lost:
        after = await sought()
        if len(after) == before + 1:
            return after[-1]
        message = "Defender's reply was lost; it is not known whether an investigation was started."
        advice = "Look at the machine's investigations before starting another."
        raise ActionError(message, code="reply-lost", permanent=True, advice=advice) from lost


# --- comments and alerts ---------------------------------------------------------------------------------------------------

_COMMENTED: Final[dict[str, tuple[str, str]]] = {
    "update_alert": ("get_alert", "alert_id"),
    "update_incident_xdr": ("get_incident_xdr", "incident_id"),
    "graph_create_alert_comment": ("graph_get_alert", "alert_id"),
    "graph_create_incident_comment": ("graph_get_incident", "incident_id"),
}


async def _comment(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    comment = arguments.get("comment")
    if comment is None:
        return await _send(client, operation, arguments)
    read, name = _COMMENTED[operation]

    async def look() -> object:
        document = (await _send(client, read, {name: arguments[name]})).raw
        written = [each for each in document.get("comments") or () if isinstance(each, dict)]
        if not _has(key, (each.get("comment") for each in written)):
            return None
        return document if operation.startswith("update_") else written

    return await _once(look, lambda: _send(client, operation, {**arguments, "comment": mark(comment, key)}))


async def _comment_many(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    comment, wanted = arguments.get("comment"), list(dict.fromkeys(arguments["alert_ids"]))
    if comment is not None:
        done: set[str] = set()
        for first in range(0, len(wanted), _LARGEST_QUESTION):
            some = wanted[first : first + _LARGEST_QUESTION]
            async for alert in client.list_alerts(filter=odata.one_of("id", some), top=len(some)):
                if _commented(alert.comments, key):
                    done.add(alert.id)
        wanted = [alert_id for alert_id in wanted if alert_id not in done]
        arguments = {**arguments, "comment": mark(comment, key)}
    if wanted:
        try:
            await _send(client, operation, {**arguments, "alert_ids": wanted})
        except ReplyLost as lost:
            message = "Defender's reply was lost; some of the alerts may have been changed."
            advice = "Let the step try again: alerts that have the comment are left out."
            raise ActionError(message, code="reply-lost", permanent=False, advice=advice) from lost
    return None


def _commented(comments: Iterable[AlertComment], key: str) -> bool:
    return _has(key, (each.comment for each in comments))


async def _raise_alert(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    async def look() -> object:
        alerts = await client.get_machine_alerts(_machine_id(arguments))
        return next((alert for alert in alerts if _has(key, [alert.description])), None)

    marked = {**arguments, "description": mark(arguments["description"], key)}
    return await _once(look, lambda: _send(client, operation, marked))


# --- the library, and what is deleted ---------------------------------------------------------------------------------------


async def _upload(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> object:
    if arguments.get("override_if_exists"):
        return await _send(client, operation, arguments)
    name, digest = str(arguments["file_name"]).strip(), hashlib.sha256(arguments["content"]).hexdigest()

    async def look() -> object:
        for file in await client.list_library_files():
            if file.file_name == name and (file.sha256 or "").lower() == digest:
                return file
        return None

    return await _once(look, lambda: _send(client, operation, arguments))


async def _delete(client: DefenderClient, operation: str, key: str, arguments: Arguments) -> Json:
    try:
        await _send(client, operation, arguments)
    except WrongAddress:
        raise
    except NotFound:
        return {"deleted": False}
    return {"deleted": True}


_WAYS: Final[dict[str, Way]] = {
    **dict.fromkeys(_ACTIONS, _act),
    **dict.fromkeys(_COMMENTED, _comment),
    "cancel_machine_action": _cancel,
    "start_investigation": _investigate,
    "batch_update_alerts": _comment_many,
    "create_alert_by_reference": _raise_alert,
    "upload_library_file": _upload,
    "delete_library_file": _delete,
}
