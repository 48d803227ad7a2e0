"""How an action sends a mail: by the server of one of the organization's channels, under one id however often it is tried."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace

from ringfence.actions import ActionError, Json
from ringfence.errors import Invalid, RingfenceError, Unavailable
from ringfence.notifications import channels, sending
from ringfence.notifications.sending import Mail
from ringfence.notifications.wording import Message
from ringfence.runs.door import failure
from ringfence.runs.effects import NotMade, made_once
from ringfence.runs.outside import Outside
from ringfence.storage import Database, Transaction


class Mails:
    """The mail port of one run, or of a person; see `ringfence.actions.MailPort`."""

    def __init__(self, database: Database, outside: Outside | None, organization_id: str, run_id: str | None) -> None:
        self._database = database
        self._outside = outside
        self._organization_id = organization_id
        self._run_id = run_id

    async def send(self, *, by: str, to: Sequence[str], subject: str, text: str, key: str) -> int:
        """Send one mail, once for a key; where it is not known whether it was taken, it is sent again with the same id."""
        outside = self._outside
        if outside is None:
            message = "No mail can be sent here."
            raise ActionError(message, code="no-outside", permanent=True, advice="Use the step in a run.")

        def look(tx: Transaction) -> Mail:
            found = channels.by_name(tx, self._organization_id, by)
            target = channels.target(tx, outside.sender.vault, found)
            if not isinstance(target, Mail):
                raise Invalid(
                    f"The channel {found.name!r} is no mail channel.",
                    advice="Name one that writes mails: `ringfence channel add NAME --host … --to …`.",
                )
            return replace(target, to=tuple(dict.fromkeys(to)))

        try:
            target = await self._database.read(look)
            sending.check(target)
            # Of the key, since a mail's id has its own alphabet.
            mark = hashlib.sha256(key.encode()).hexdigest()[:32]

            async def make() -> Json:
                try:
                    await asyncio.to_thread(
                        outside.sender.send, target, Message(subject, text), mark=mark, allowed=outside.sender.allowed
                    )
                except (Unavailable, Invalid) as error:
                    raise NotMade(error) from None
                return len(target.to)

            sent = await made_once(self._database, key, self._run_id, make, harmless=True)
        except RingfenceError as error:
            raise failure(error) from None
        assert isinstance(sent, int)
        return sent
