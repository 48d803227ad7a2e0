"""Let a process of its own prove a release: its clock jumps, its database is thrown away, and nothing it does is real.

What is proven goes to it as JSON, and what came of it comes back so; it is named here and not imported, since the simulator
that it plays against stands above everything that runs playbooks for real.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from typing import Final, TypeVar

from pydantic import BaseModel, ValidationError

from ringfence import logs
from ringfence.errors import Unavailable
from ringfence.playbooks.playing import Played, Playing
from ringfence.playbooks.proof import Proof, Subject

log = logs.get(__name__)

_Answer = TypeVar("_Answer", bound=BaseModel)

COMMAND: Final = (sys.executable, "-m", "ringfence.proving")
PATIENCE: Final = 180.0
"""Seconds after which a proof is given up."""
_MOST_SAID: Final = 2_000


class Prover:
    """Proves releases and plays playbooks, one process for each; `command` is the process."""

    def __init__(self, command: Sequence[str] = COMMAND, *, patience: float = PATIENCE) -> None:
        self._command = tuple(command)
        self._patience = patience

    async def prove(self, subject: Subject) -> Proof:
        """Prove a version; Unavailable if the process does not say what came of it. Cancelled, it ends the process."""
        return await self._ask(Proof, subject)

    async def play(self, playing: Playing) -> Played:
        """Play a playbook once; otherwise as `prove`."""
        return await self._ask(Played, playing, "play")

    async def _ask(self, expected: type[_Answer], given: BaseModel, *arguments: str) -> _Answer:
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )
        try:
            async with asyncio.timeout(self._patience):
                out, said = await process.communicate(given.model_dump_json().encode())
        except TimeoutError:
            raise Unavailable(
                f"It was not done after {self._patience:g} s.",
                advice="Try again when the machine has less to do.",
            ) from None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        try:
            return expected.model_validate_json(out)
        except ValidationError:
            log.error(
                "a play in the simulator ended without a result",
                status=process.returncode,
                said=said[-_MOST_SAID:].decode(errors="replace"),
            )
            raise Unavailable(
                f"The process that plays in the simulator ended with status {process.returncode} and no result.",
                advice="See the server's log.",
            ) from None


def _environment() -> dict[str, str]:
    """Return our environment without our settings: no address or secret of the installation is the child's business."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("RINGFENCE_")}
