"""Live response: an ordered list of commands on one machine, and what each of them gave."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any

from ringfence.defender.errors import InvalidArgument
from ringfence.defender.operations.base import LARGEST_DOWNLOAD, Operations, reason, required
from ringfence.defender.operations.machine_actions import action_segment
from ringfence.defender.operations.machines import machine_segment
from ringfence.defender.wire import MachineAction


@dataclass(frozen=True)
class PutFile:
    """Put a file of the library on the machine; it has no result."""

    file_name: str


@dataclass(frozen=True)
class RunScript:
    """Run a script of the library, for ten minutes at most; its result is a transcript."""

    script_name: str
    args: str = ""


@dataclass(frozen=True)
class GetFile:
    """Fetch a file from the machine."""

    path: str


Command = PutFile | RunScript | GetFile
_ORDER = (PutFile, RunScript, GetFile)


class LiveResponseOperations(Operations):
    """What can be done by live response."""

    async def run_live_response(
        self, machine_id: str, commands: Sequence[Command], *, comment: str, external_id: str | None = None
    ) -> MachineAction:
        """Run commands on a machine; all PutFile come first, then all RunScript, then all GetFile.

        Needs Machine.LiveResponse; page run-live-response. A command that fails stops the rest; a machine that is away keeps
        them waiting for up to three days. Raises ActiveRequestAlreadyExists while another session is active, ReplyLost when
        they may have been accepted.
        """
        if not commands:
            raise InvalidArgument("There are no commands.", advice="Pass at least one.")
        ranks = [_ORDER.index(type(each)) for each in commands]
        if ranks != sorted(ranks):
            raise InvalidArgument(
                "The commands are in an order that the service refuses.",
                advice="Put all PutFile first, then all RunScript, then all GetFile.",
            )
        body: dict[str, Any] = {"Commands": [_command(each) for each in commands], "Comment": reason(comment)}
        if external_id is not None:
            body["ExternalId"] = external_id
        return await self._entity(
            "run_live_response", MachineAction, machine_segment(machine_id), body=body, effect=True
        )

    async def get_live_response_result(self, action_id: str, command_index: int) -> str:
        """Return the address, good for 30 minutes, of what a command gave; commands are counted from 0.

        Needs Machine.Read.All or Machine.ReadWrite.All; page get-live-response-result. Whoever has the address has the file.
        A transcript is JSON (script_name, exit_code, script_output, script_errors), or a ZIP of it.
        """
        return await self._link("get_live_response_result", action_segment(action_id), _index(command_index))

    def live_response_result(
        self, action_id: str, command_index: int, *, largest: int = LARGEST_DOWNLOAD
    ) -> AsyncGenerator[bytes, None]:
        """Yield what a command gave, at most `largest` bytes, in pieces; the rules are get_live_response_result's."""
        parts = action_segment(action_id), _index(command_index)
        return self._file("get_live_response_result", *parts, largest=largest)

    async def download_live_response_result(
        self, action_id: str, command_index: int, *, largest: int = LARGEST_DOWNLOAD
    ) -> bytes:
        """Fetch the whole of what a command gave into memory; `live_response_result` does without."""
        return b"".join([part async for part in self.live_response_result(action_id, command_index, largest=largest)])


def _index(command_index: int) -> str:
    if command_index < 0:
        raise InvalidArgument(f"There is no command {command_index}.", advice="Count the commands from 0.")
    return str(command_index)


def _command(command: Command) -> dict[str, Any]:
    match command:
        case PutFile(file_name):
            values = {"FileName": required(file_name, "file name")}
        case RunScript(script_name, args):
            values = {"ScriptName": required(script_name, "script name")} | ({"Args": args} if args else {})
        case GetFile(path):
            values = {"Path": required(path, "path")}
    params = [{"key": key, "value": value} for key, value in values.items()]
    return {"type": type(command).__name__, "params": params}
