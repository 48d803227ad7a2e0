"""Let a process of its own prove a release: its clock jumps, its database is thrown away, and nothing it does is real.

What is proven goes to it as JSON, and what came of it comes back so; it is named here and not imported, since the simulator
that it plays against stands above everything that runs playbooks for real.
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
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
PLAYED_AGAIN: Final = 600.0
"""Seconds within which somebody plays again what they have played, as a worker expects."""
_MOST_SAID: Final = 2_000
_PLAY: Final = "play"


class Prover:
    """Proves releases and plays playbooks, one process for each; `command` is the process.

    Who plays a playbook soon plays it again, changed: after a play, and when one is expected, a process stands ready for
    `ready_for` seconds (0: none does). It has read all code and made its tables by then, which is most of what a play costs.
    """

    def __init__(self, command: Sequence[str] = COMMAND, *, patience: float = PATIENCE, ready_for: float = 0.0) -> None:
        self._command = tuple(command)
        self._patience = patience
        self._ready_for = ready_for
        self._ready: Process | None = None
        self._readying = asyncio.Lock()
        self._dismissal: asyncio.TimerHandle | None = None
        self._leaving: list[Process] = []

    async def prove(self, subject: Subject) -> Proof:
        """Prove a version; Unavailable if the process does not say what came of it. Cancelled, it ends the process."""
        return await self._ask(await self._process(), Proof, subject)

    async def play(self, playing: Playing) -> Played:
        """Play a playbook once; otherwise as `prove`."""
        process = self._taken() or await self._process(_PLAY)
        played = await self._ask(process, Played, playing)
        await self.expect()
        return played

    async def expect(self) -> None:
        """Let a process stand ready from now on, one for whoever comes first."""
        if not self._ready_for:
            return
        async with self._readying:
            if self._ready is None or self._ready.returncode is not None:
                self._ready = await self._process(_PLAY)
            if self._dismissal is not None:
                self._dismissal.cancel()
            self._dismissal = asyncio.get_running_loop().call_later(self._ready_for, self._dismiss)

    async def close(self) -> None:
        """End the process that stands ready, and wait for those that were dismissed."""
        process = self._taken()
        for each in (*self._leaving, *([process] if process is not None else [])):
            if each.returncode is None:
                each.kill()
            await each.communicate()
        self._leaving.clear()

    def _taken(self) -> Process | None:
        process, self._ready = self._ready, None
        if self._dismissal is not None:
            self._dismissal.cancel()
        return process if process is not None and process.returncode is None else None

    def _dismiss(self) -> None:
        # Without a word it ends by itself, and its pipes with it.
        process = self._taken()
        if process is not None and process.stdin is not None:
            process.stdin.close()
            self._leaving = [each for each in self._leaving if each.returncode is None] + [process]

    async def _process(self, *arguments: str) -> Process:
        return await asyncio.create_subprocess_exec(
            *self._command,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=_environment(),
        )

    async def _ask(self, process: Process, expected: type[_Answer], given: BaseModel) -> _Answer:
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
