"""Sign the heads of the chains that have grown, on a schedule, and give them to every witness until it has them."""

import asyncio
from collections.abc import Sequence

from ringfence import logs
from ringfence.audit import log
from ringfence.audit.heads import SignedHead, Signer
from ringfence.audit.witnesses import Witness
from ringfence.storage import Database

_log = logs.get(__name__)


class HeadWriter:
    """Gives each witness a signed head of each chain that has grown, every `interval` seconds and at the end."""

    def __init__(self, database: Database, signer: Signer, witnesses: Sequence[Witness], *, interval: float) -> None:
        self._database = database
        self._signer = signer
        self._witnesses = witnesses
        self._interval = interval
        self._kept: list[dict[str, int]] = [{} for _ in witnesses]

    async def run(self, stop: asyncio.Event) -> None:
        """Write until `stop` is set; what a witness does not take is logged, and tried again."""
        while True:
            try:
                await self.write()
            except Exception:
                _log.exception("the audit heads could not be read and signed; it is tried again")
            if stop.is_set():
                return
            try:
                await asyncio.wait_for(stop.wait(), self._interval)
            except TimeoutError:
                continue

    async def write(self) -> int:
        """Give every witness the heads that it does not have, and return how many were taken; no witness holds up another."""
        heads = await self._database.read(log.heads)
        signed: dict[str, SignedHead] = {}
        taken = 0
        for witness, kept in zip(self._witnesses, self._kept, strict=True):
            new = [head for head in heads if head.number > kept.get(head.organization_id, 0)]
            for head in new:
                if head.organization_id not in signed:
                    signed[head.organization_id] = self._signer.sign(head)
            if not new:
                continue
            try:
                await asyncio.to_thread(witness.keep, [signed[head.organization_id] for head in new])
            except OSError as error:
                _log.error("the audit heads were not taken", witness=witness.name, error=error.strerror or str(error))
                continue
            kept.update({head.organization_id: head.number for head in new})
            taken += len(new)
        return taken
