"""Take in one message of a webhook: proven, stored, matched and its runs requested, the last three in one transaction.

An unknown webhook, one that is off and a wrong signature are refused alike, after the same work. A message that was taken in
before is answered like one that was, and starts nothing: the sender may have lost our answer.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted

from ringfence import clock, logs
from ringfence.errors import Conflict, Invalid, NotSignedIn, TooManyRequests, Unavailable
from ringfence.listeners import webhooks
from ringfence.listeners.answers import Answers, Reply
from ringfence.listeners.refusals import Reason
from ringfence.listeners.refusing import Refusing
from ringfence.listeners.starting import Outcome, outcome
from ringfence.listeners.webhooks import Webhook
from ringfence.playbooks.triggers import WebhookTrigger
from ringfence.security.crypto import Vault
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import webhook_deliveries
from ringfence.triggers import webhook as trigger
from ringfence.triggers.listening import Listening
from ringfence.triggers.webhook import Signed

_log = logs.get(__name__)
_DECOY_ORGANIZATION: Final = "none"
_DECOY_PURPOSE: Final = "decoy"


Waits = Callable[[str], Awaitable[int]]
"""Counts one message of an organization, and says after how many seconds it may come; 0 is now."""


class TooMany(TooManyRequests):
    """An organization's webhooks took in as many as they may; `wait` is in seconds."""

    code = "too_many"

    def __init__(self, wait: int) -> None:
        super().__init__(
            "The webhooks of this organization take no more in this minute.", advice="Send it again later."
        )
        self.wait = wait


class Unproven(NotSignedIn):
    """Nobody proved that they may post here; whether the webhook exists is not said."""

    code = "unproven"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a sender is told: the id under which the message is kept, and whether it had come before.

    `runs` were started by the message; for `answer_within` seconds the sender waits for what one of them answers.
    """

    delivery_id: str
    duplicate: bool
    runs: tuple[str, ...] = ()
    answer_within: float = 0.0


class Receiver:
    """Takes messages in, and notes what it refuses; may be used by several tasks at once. `tolerance` is in seconds."""

    def __init__(self, database: Database, vault: Vault, *, tolerance: float) -> None:
        self._database = database
        self._vault = vault
        self._tolerance = tolerance
        self._listening = Listening()
        self._answers = Answers(database)
        self.refusing = Refusing(database)
        self._decoy = vault.seal_apart(_DECOY_ORGANIZATION, _DECOY_PURPOSE, f"{trigger.PREFIX}{'A' * 44}")

    async def receive(
        self,
        webhook_id: str,
        signed: Signed,
        content_type: str,
        body: bytes,
        *,
        sender: str = "",
        waits: Waits | None = None,
    ) -> Receipt:
        """Return once the message and the runs that it starts are committed; `sender` is the address it came from.

        Raises Unproven for a webhook that is unknown or off, or a wrong signature, Invalid for a message that is too old
        or too new, Conflict for an id that another message had, TooMany where `waits` says so, Unavailable while the
        database cannot be used.
        """

        def note(reason: Reason, *, known: bool = True) -> None:
            self.refusing.note(webhook_id, reason, address=sender, size=len(body), known=known)

        try:
            found = await self._database.read(partial(self._look, webhook_id))
            hook, keys = found or (None, [])
            proven = trigger.authentic(keys or [trigger.key_of(self._open_decoy())], signed, body) and bool(keys)
            if hook is None or not hook.enabled or not proven:
                if hook is not None:
                    note(_why(hook, signed, proven))
                raise Unproven(
                    "The message is not signed for this address, or nothing is taken here.",
                    advice="Check the address and the secret, sign as Standard Webhooks says, and ask whether it is switched on.",
                )
            if not trigger.in_time(signed, clock.timestamp(), self._tolerance):
                note(Reason.TIMESTAMP)
                raise Invalid(
                    f"The message's timestamp is more than {self._tolerance:g} seconds from now.",
                    advice="Set the sender's clock, and send the message with a new timestamp.",
                )
            # Counted no earlier, or strangers could use an organization's share up.
            if waits is not None and (wait := await waits(hook.organization_id)):
                note(Reason.TOO_MANY_TOGETHER)
                raise TooMany(wait)
            try:
                return await self._database.run(partial(self._store, hook, signed.message_id, content_type, body))
            except Conflict:
                note(Reason.OTHER_BODY)
                raise
        except (DBAPIError, PoolExhausted) as error:
            note(Reason.NOT_STORED, known=False)
            _log.warning("webhook_not_stored", webhook=webhook_id, error=type(error).__name__)
            raise Unavailable("The message cannot be stored right now.", advice="Send it again in a moment.") from error

    def _look(self, webhook_id: str, tx: Transaction) -> tuple[Webhook, list[bytes]] | None:
        found = webhooks.by_id(tx, webhook_id)
        return None if found is None else (found, webhooks.keys(tx, self._vault, found))

    def _open_decoy(self) -> str:
        return self._vault.open(_DECOY_ORGANIZATION, _DECOY_PURPOSE, self._decoy)

    def _store(self, hook: Webhook, message_id: str, content_type: str, body: bytes, tx: Transaction) -> Receipt:
        now, digest = clock.now(), hashlib.sha256(body).hexdigest()
        row: dict[str, Any] = {
            "id": clock.new_id(),
            "webhook_id": hook.id,
            "message_id": message_id,
            "digest": digest,
            "size": len(body),
            "received_at": now,
            "outcomes": [],
        }
        tx.insert_new(webhook_deliveries, [row])
        came = webhook_deliveries.c
        stored = tx.one(
            sa.select(came.id, came.digest, came.outcomes).where(
                came.webhook_id == hook.id, came.message_id == message_id
            )
        )
        assert stored is not None
        if stored["id"] != row["id"]:
            if stored["digest"] != digest:
                raise Conflict(
                    "Another message with this id was taken in before.", advice="Give each message an id of its own."
                )
            before = [Outcome.of(each) for each in stored["outcomes"]]
            return Receipt(stored["id"], True, _started(before, hook), hook.answer_within)
        seen = trigger.document(hook.name, message_id, now, content_type, body)
        outcomes = self._start(tx, hook, message_id, seen)
        tx.execute(
            sa.update(webhook_deliveries)
            .where(came.id == row["id"])
            .values(outcomes=[each.to_json() for each in outcomes])
        )
        webhooks.forget(tx, hook)
        tx.changed(hook.organization_id, "webhook", hook.id, "received")
        return Receipt(row["id"], False, _started(outcomes, hook), hook.answer_within)

    async def answer(self, receipt: Receipt) -> Reply | None:
        """Wait for what a playbook answers, as long as the webhook says; None where none does."""
        if receipt.answer_within <= 0:
            return None
        return await self._answers.wait(receipt.delivery_id, receipt.runs, receipt.answer_within)

    def _start(self, tx: Transaction, hook: Webhook, message_id: str, seen: dict[str, Any]) -> list[Outcome]:
        found = []
        for listener in self._listening.of(tx, hook.organization_id, WebhookTrigger):
            if listener.trigger.hook == hook.name:
                match = trigger.match(listener.trigger, seen)
                cause = f"webhook:{hook.id}:{message_id}"
                found.append(outcome(tx, listener, match, cause, seen, listener.trigger.account))
        return found


def _why(hook: Webhook, signed: Signed, proven: bool) -> Reason:
    if proven:
        return Reason.OFF
    if not hook.secrets:
        return Reason.NO_SECRET
    return Reason.SIGNATURE if signed.readable and signed.signature else Reason.UNSIGNED


def _started(outcomes: list[Outcome], hook: Webhook) -> tuple[str, ...]:
    # Where nobody waits, nobody asks which runs they are.
    return tuple(each.run_id for each in outcomes if each.run_id is not None) if hook.answer_within > 0 else ()
