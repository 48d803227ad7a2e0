"""A pretend tenant for who has none at hand: the simulator as a process of its own, whose world is kept in the data folder.

It is named here and not imported: it stands above everything that runs for real, and shares no code with it. It ends with its
standard input, and so with us, however we end.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from pydantic import BaseModel, ValidationError

from ringfence import logs
from ringfence.accounts.entering import NewAccount
from ringfence.accounts.permissions import FEATURES
from ringfence.errors import Unavailable
from ringfence.services import records as services
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts

log = logs.get(__name__)

NAME: Final = "simulated"
COMMAND: Final = (sys.executable, "-m", "ringfence", "simulate", "--json", "--until-input-ends")
PATIENCE: Final = 60.0
"""Seconds after which a simulator that does not say where it listens is given up."""


class _Tenant(BaseModel):
    tenant_id: str
    client_id: str
    client_secret: str


class _Said(BaseModel):
    login: str
    tenants: tuple[_Tenant, ...]


class SimulatedTenant:
    """One simulator of an installation; it listens on loopback, always on the port that it got first.

    `folder` holds the port and what has happened in the simulated world, `command` is the process. Of one event loop.
    """

    def __init__(
        self,
        folder: Path,
        command: Sequence[str] = COMMAND,
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._folder = folder
        self._command = tuple(command)
        self._patience = patience
        self._lock = asyncio.Lock()
        self._process: asyncio.subprocess.Process | None = None
        self._said: _Said | None = None

    @property
    def origin(self) -> str | None:
        """Where it listens, or did when it last ran; None if it never has."""
        port = self._port()
        return f"http://127.0.0.1:{port}" if port else None

    async def start(self) -> NewAccount:
        """Start it unless it runs, and return what connects its first tenant; Unavailable if it does not come up."""
        async with self._lock:
            if self._said is None or self._process is None or self._process.returncode is not None:
                self._said = await self._launch()
        tenant = self._said.tenants[0]
        return NewAccount(
            name=NAME,
            tenant_id=tenant.tenant_id,
            client_id=tenant.client_id,
            secret=tenant.client_secret,
            features=tuple(FEATURES),
            login_url=self._said.login,
            api_url=self._said.login,
        )

    async def stop(self) -> None:
        """End it, if it runs."""
        async with self._lock:
            await self._end()

    async def _launch(self) -> _Said:
        await self._end()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        state = str(self._folder / "state.db")
        self._process = process = await asyncio.create_subprocess_exec(
            *self._command,
            *("--port", str(self._port()), "--state", state),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={name: value for name, value in os.environ.items() if not name.upper().startswith("RINGFENCE_")},
        )
        assert process.stdout is not None
        try:
            async with asyncio.timeout(self._patience):
                line = await process.stdout.readline()
            said = _Said.model_validate_json(line)
        except (TimeoutError, ValidationError):
            await self._end()
            raise Unavailable(
                "The simulated tenant does not start.",
                advice=f"See the server's log. Its port, {self._port() or 'any that is free'}, may be taken by something else.",
            ) from None
        (self._folder / "port").write_text(said.login.rpartition(":")[2], encoding="utf-8")
        return said

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    def _port(self) -> int:
        try:
            found = int((self._folder / "port").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return 0
        return found if 0 < found < 65536 else 0


def is_connected(tx: Transaction, origin: str) -> bool:
    """Whether any organization has an account that leads to a simulator at `origin`."""
    return tx.scalar(sa.select(sa.exists().where(accounts.c.login_url == origin))) or False


def poll_at_once(tx: Transaction, account_id: str) -> None:
    """Let what follows a new account be read now: in a pretend tenant nobody waits for a first interval to pass."""
    for service in services.of_account(tx, account_id):
        services.change(tx, service.id, {"start_at_once": True})


def connected(tx: Transaction, organization_id: str, new: NewAccount) -> str | None:
    """Return the id of the account by which an organization has the simulated tenant already, or None."""
    same = (accounts.c.login_url == new.login_url, accounts.c.tenant_id == new.tenant_id)
    row = tx.one(sa.select(accounts.c.id).where(accounts.c.organization_id == organization_id, *same).limit(1))
    return None if row is None else str(row["id"])
