"""What every move needs: the client of one account, the rows, and when to look again."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from ringfence import clock
from ringfence.containment import gathering
from ringfence.containment.history import made_at
from ringfence.containment.reach import SEND_WITHIN, Rest
from ringfence.containment.rounds import next_round
from ringfence.defender import DefenderClient
from ringfence.defender.odata import both, eq, one_of
from ringfence.defender.wire import Machine, MachineAction
from ringfence.responses import claims, deciding
from ringfence.responses.model import Response, State
from ringfence.storage import Database

# What may have been sent once is forgotten only after so long without a trace, since nothing is lost by looking longer.
FORGET_AFTER = timedelta(minutes=10)
# What was decided longer ago is decided again before it is sent.
FRESH = timedelta(minutes=5)
# A process that was held up for longer between announcing and sending has lost the right to send.
_HELD_UP = timedelta(seconds=5)
_HISTORY = 100

Next: TypeAlias = Response | Rest
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """How far the moves of one account's responses reach."""

    database: Database
    client: DefenderClient
    interval: float

    async def history(self, response: Response) -> list[MachineAction]:
        """Read the newest actions of a response's kind, and of its opposite, on its machine, oldest first."""
        assert response.machine_id is not None
        traits = response.traits
        kinds = [each.value for each in (traits.type, traits.undo_type) if each is not None]
        wanted = both(eq("machineId", response.machine_id), one_of("type", kinds))
        listed = self.client.list_machine_actions(filter=wanted, order_by="creationDateTimeUtc desc", limit=_HISTORY)
        found = [
            each
            async for each in listed
            if (each.machine_id or "").lower() == response.machine_id and each.type in kinds and _about(each, response)
        ]
        return sorted(found, key=made_at)

    async def live(self, response: Response, machine: Machine | None) -> gathering.Live:
        """Ask Defender what the policy of this machine wants to know beyond its record, where the response harms it."""
        if machine is None or not response.traits.harms:
            return gathering.Live()
        stands = await self.database.read(lambda tx: deciding.standing(tx, response, machine))
        return await gathering.live(self.client, stands.effective.policy, machine.id)

    async def machine(self, response: Response) -> Machine | None:
        """Read the record of a response's machine anew, None where it is about none."""
        return None if response.machine_id is None else await self.client.get_machine(response.machine_id)

    async def send(self, announced_at: datetime | None, request: Callable[[], Awaitable[T]]) -> T:
        """Send what was announced just now; TimeoutError where it is not, or no longer, ours to send."""
        if announced_at is None or clock.now() > announced_at + _HELD_UP:
            raise TimeoutError
        async with asyncio.timeout(SEND_WITHIN):
            return await request()

    def again(self, response: Response, detail: str, *, since: datetime | None = None) -> Rest:
        """Rest until the next look, which comes later the longer it has been since `since`."""
        age = (clock.now() - since).total_seconds() if since else 0.0
        # A device that is off may take days; asking every few seconds would use up the tenant's calls.
        slower = 1 if age < 120 else 3 if age < 900 else 12
        return Rest(next_round(response.account_id, max(self.interval * slower, 0.001)), detail)

    async def move(self, response: Response, after: State, detail: str, **values: Any) -> Response:
        """Move a claimed response; see `claims.move`."""
        return await self.database.run(lambda tx: claims.move(tx, response, after, detail, **values))

    async def note(self, response: Response, **values: Any) -> Response:
        """Write facts about a claimed response; see `claims.note`."""
        return await self.database.run(lambda tx: claims.note(tx, response, **values))


def _about(action: MachineAction, response: Response) -> bool:
    """Say whether an action concerns what a response is about: two files can be quarantined at the same time."""
    sha1 = response.parameters.get("sha1")
    file = action.related_file_info
    return sha1 is None or file is None or (file.file_identifier or "").lower() in ("", sha1)
