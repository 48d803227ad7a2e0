"""What the commands of one invocation share: the settings, the opened installation, and the seams to the outside."""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringfence.errors import Misconfigured

if TYPE_CHECKING:
    from ringfence.app import App
    from ringfence.organizations.model import Organization
    from ringfence.settings import Settings


class LogLevel(StrEnum):
    """How much is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def _open(settings: "Settings") -> "App":
    from ringfence.app import App

    return App.open(settings)


def _ask_secret(question: str) -> str | None:
    if not sys.stdin.isatty():
        return None
    answer: str = typer.prompt(question, hide_input=True, err=True)
    return answer


def _confirm(question: str) -> bool | None:
    if not sys.stdin.isatty():
        return None
    answer: bool = typer.confirm(question, err=True)
    return answer


def _edit(text: str) -> str | None:
    import os
    import shlex
    import subprocess
    import tempfile
    from pathlib import Path

    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="ringfence-") as folder:
        path = Path(folder) / "policy.yaml"
        path.write_text(text, encoding="utf-8")
        try:
            ended = subprocess.run([*shlex.split(editor), str(path)], check=False).returncode
            after = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Misconfigured(
                f"The editor {editor!r} cannot be used: {error}.", advice="Name another one: EDITOR=nano, for example."
            ) from error
    return None if ended or after == text else after


@dataclass(frozen=True, slots=True)
class Outside:
    """What commands reach beyond their own process; tests hand one of their own to the runner as `obj`.

    `ask_secret` and `confirm` return None where nobody can be asked; `pause` takes seconds; `edit` shows a text in the
    person's editor and returns what became of it, None if nothing did.
    """

    open_app: Callable[["Settings"], "App"] = _open
    ask_secret: Callable[[str], str | None] = _ask_secret
    confirm: Callable[[str], bool | None] = _confirm
    pause: Callable[[float], None] = time.sleep
    edit: Callable[[str], str | None] = _edit


@dataclass
class Invocation:
    """One call of the command line; `given` are the settings that were options, None for those that were not."""

    outside: Outside
    given: Mapping[str, Any]
    organization_name: str | None = None
    json: bool = field(default=False, init=False)

    @property
    def debug(self) -> bool:
        """Whether tracebacks are wanted."""
        return self.given.get("log_level") == LogLevel.DEBUG

    def give(self, **more: Any) -> None:
        """Add settings that are options of the command itself."""
        self.given = {**self.given, **{name: value for name, value in more.items() if value is not None}}
        self.__dict__.pop("settings", None)

    @cached_property
    def settings(self) -> "Settings":
        """The settings: options first, then the environment; Misconfigured if one cannot be used."""
        from pydantic import ValidationError

        from ringfence.settings import Settings

        try:
            settings = Settings(**{name: value for name, value in self.given.items() if value is not None})
        except ValidationError as error:
            details = error.errors(include_url=False, include_context=False, include_input=False)
            said = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in details)
            raise Misconfigured(
                f"The settings cannot be used: {said}.",
                advice="Correct the option, or the environment variable RINGFENCE_ followed by that name.",
            ) from error
        if settings.log_level not in list(LogLevel):
            raise Misconfigured(
                "The settings cannot be used: log_level is none of the known ones.",
                advice=f"Set RINGFENCE_LOG_LEVEL to one of: {', '.join(LogLevel)}.",
            )
        return settings

    def set_logging(self, *, serving: bool) -> None:
        """Send logs to stderr; a command that ends at once logs warnings only, unless a level was asked for."""
        from ringfence import logs

        settings = self.settings
        asked = serving or "log_level" in settings.model_fields_set
        logs.configure(settings.log_level if asked else LogLevel.WARNING, settings.log_format)

    @contextmanager
    def opened(self, *, serving: bool = False) -> Iterator["App"]:
        """Open the installation for a `with` block."""
        self.set_logging(serving=serving)
        try:
            app = self.outside.open_app(self.settings)
        except OSError as error:
            raise Misconfigured(
                f"The data folder {self.settings.data} cannot be used: {error.strerror or error}.",
                advice="Choose one that you may write to: --data FOLDER.",
            ) from error
        from ringfence.audit.acting import Via, acting
        from ringfence.security.rbac import asked_by, command_line

        try:
            # A server acts for those who come to it; a command acts for whoever runs it, as a System Administrator.
            asker = None if serving else command_line(who(None), "")
            with nullcontext() if serving else acting(who(None), Via.COMMAND, login()), asked_by(asker):
                yield app
        finally:
            app.close()

    def organization(self, app: "App") -> "Organization":
        """Return the organization that is meant."""
        return app.organization(self.organization_name)


def invocation(context: typer.Context) -> Invocation:
    """Return what the commands of this invocation share."""
    found = context.find_root().obj
    assert isinstance(found, Invocation)
    return found


def _remember_json(context: typer.Context, wanted: bool) -> bool:
    # Errors are told in the same form, also those that are met before the command itself begins.
    if wanted and not context.resilient_parsing:
        invocation(context).json = True
    return wanted


Json = Annotated[
    bool, typer.Option("--json", callback=_remember_json, help="Print one JSON document on stdout, and errors as JSON.")
]
Limit = Annotated[int, typer.Option(min=1, max=500, help="How many at most, the newest first.")]
Cursor = Annotated[str | None, typer.Option(help="Go on where the page before ended: what it called `next`.")]
By = Annotated[str | None, typer.Option(help="Who does this; else the name that you are logged in with.")]


def login() -> str:
    """Return by which login, and on which machine, a command is given."""
    import socket

    return f"login {who(None)} on {socket.gethostname()}"


def who(by: str | None) -> str:
    """Return the name under which something is recorded."""
    import getpass

    if by is not None and by.strip():
        return by.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may run under a number that has no name.
        return "command line"
