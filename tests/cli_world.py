"""The command line, called in this process, with a simulated Microsoft where it wants to call one."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from typer.testing import CliRunner, Result

from ringfence.app import App
from ringfence.cli import app as command_line
from ringfence.cli.invocation import Outside
from ringfence.containment.driver import Driver
from ringfence.responses.driver import Driver as Responder
from ringfence.settings import Settings
from ringfence.simulator import Simulator, create_app
from ringfence.simulator.tenant import Tenant

ORIGIN = "http://127.0.0.1:8900"


@dataclass
class Ringfence:
    """Calls the command line in this process; `secret` is what a person types, `on_pause` happens while it waits.

    `confirms` is a person's answer, None where nobody can be asked; `edits` what a person makes of a text.
    """

    data: Path
    simulator: Simulator
    options: tuple[str, ...] = ()
    secret: str | None = None
    on_pause: Callable[[float], None] | None = None
    confirms: bool | None = None
    asked: list[str] = field(default_factory=list)
    edits: Callable[[str], str | None] | None = None
    opened: list[Settings] = field(default_factory=list)

    def open(self, settings: Settings) -> App:
        """Open the installation with the simulator as its network."""
        self.opened.append(settings)
        return App.open(settings, transport=httpx.ASGITransport(create_app(self.simulator)))

    def __call__(
        self, *arguments: str, status: int = 0, stdin: str | bytes | None = None, env: dict[str, str] | None = None
    ) -> Result:
        """Call it and demand its exit status."""

        def pause(seconds: float) -> None:
            assert self.on_pause is not None, "Nobody expected it to wait."
            self.on_pause(seconds)

        def confirm(question: str) -> bool | None:
            self.asked.append(question)
            return self.confirms

        def edit(text: str) -> str | None:
            assert self.edits is not None, "Nobody expected an editor."
            return self.edits(text)

        outside = Outside(
            open_app=self.open, ask_secret=lambda question: self.secret, confirm=confirm, pause=pause, edit=edit
        )
        given = ["--data", str(self.data), *self.options, *arguments]
        result = CliRunner().invoke(command_line, given, obj=outside, input=stdin, env=env, prog_name="ringfence")
        assert result.exit_code == status, (result.output, result.exception)
        return result

    def json(self, *arguments: str, **more: Any) -> Any:
        """Call it with --json and return the one document on stdout."""
        return json.loads(self(*arguments, "--json", **more).stdout)

    def error(self, *arguments: str, **more: Any) -> Any:
        """Call it with --json, demand that it fails with nothing on stdout, and return the error."""
        result = self(*arguments, "--json", status=1, **more)
        assert result.stdout == ""
        return json.loads(result.stderr.splitlines()[-1])["error"]

    @property
    def tenant(self) -> Tenant:
        """The simulated tenant."""
        return next(iter(self.simulator.tenants.values()))

    def account_options(self, name: str = "contoso") -> list[str]:
        """Return what `account add` is given for the simulated tenant; the secret is set to be typed."""
        registration = next(iter(self.tenant.apps.values()))
        self.secret = registration.secrets[0].value
        where = ["--login-url", ORIGIN, "--api-url", ORIGIN]
        return ["--name", name, "--tenant-id", self.tenant.id, "--client-id", registration.client_id, *where]

    def work(self, seconds: float = 30.0) -> None:
        """Let simulated time pass and do what a worker's drivers do at that moment."""
        self.simulator.clock.advance(seconds)
        installation = self.open(Settings(data=self.data))

        async def drive() -> None:
            clients = installation.clients()
            try:
                await Driver(installation.database, clients, owner="test", interval=0.01).drive_due()
                await Responder(installation.database, clients, owner="test", interval=0.0).drive_due()
            finally:
                await clients.aclose()

        try:
            asyncio.run(drive())
        finally:
            installation.close()
