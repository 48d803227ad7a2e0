"""How an action answers who posted the message that started its run: by a row, which the address of the webhook waits for."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from ringfence import clock
from ringfence.actions import ActionError
from ringfence.storage import Database, Transaction
from ringfence.storage.columns import storable
from ringfence.storage.tables import webhook_deliveries, webhook_replies, webhooks


class Caller:
    """The caller port of one run; see `ringfence.actions.CallerPort`."""

    def __init__(self, database: Database, organization_id: str, trigger: Mapping[str, Any]) -> None:
        self._database = database
        self._organization_id = organization_id
        self._trigger = trigger

    async def answer(self, *, status: int, content_type: str, body: str, key: str) -> bool:
        """Answer, once for a message: the first answer counts, whichever playbook gave it."""
        return await self._database.run(lambda tx: self._answer(tx, status, content_type, body, key))

    def _answer(self, tx: Transaction, status: int, content_type: str, body: str, key: str) -> bool:
        delivery = self._delivery(tx)
        row = {
            "delivery_id": delivery["id"],
            "effect_key": key,
            "status": status,
            "content_type": content_type,
            "body": body,
            "at": clock.now(),
        }
        tx.insert_new(webhook_replies, [row])
        given = tx.one(sa.select(webhook_replies).where(webhook_replies.c.delivery_id == delivery["id"]))
        assert given is not None
        if given["effect_key"] != key:
            raise ActionError(
                "The message was answered already, by another step or playbook.",
                code="answered",
                permanent=True,
                advice="Answer a message once: let one playbook of the webhook do so.",
            )
        tx.changed(self._organization_id, "webhook", delivery["webhook_id"], "answered")
        until: bool = given["at"] <= delivery["received_at"] + timedelta(seconds=delivery["answer_within"])
        return until and delivery["answer_within"] > 0

    def _delivery(self, tx: Transaction) -> sa.RowMapping:
        came = webhook_deliveries.c
        query = (
            sa.select(came.id, came.webhook_id, came.received_at, webhooks.c.answer_within)
            .join(webhooks, webhooks.c.id == came.webhook_id)
            .where(
                webhooks.c.organization_id == self._organization_id,
                webhooks.c.name == storable(str(self._trigger.get("hook", ""))),
                came.message_id == storable(str(self._trigger.get("message_id", ""))),
            )
        )
        found = tx.one(query) if self._trigger.get("type") == "webhook" else None
        if found is None:
            raise ActionError(
                "No message of a webhook started this run, or it is forgotten.",
                code="no-caller",
                permanent=True,
                advice="Use the step in a playbook with `trigger: {type: webhook, …}`.",
            )
        return found
