import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import ringfence
from ringfence.cli import app
from ringfence.cli.commands import COMMANDS, load
from ringfence.cli.invocation import Outside
from ringfence.settings import Settings
from ringfence.storage import Database

_HEAVY = ("dbos", "fastapi", "uvicorn", "msal", "sqlalchemy")
_LIGHT = ("--help",), ("playbook", "--help"), ("playbook", "check", "-")
# What each takes a tenth of a second and 3 to 8 MiB for, and is seldom needed: to migrate, to send, to sign in to Defender.
_SELDOM = ("alembic", "apprise", "msal", "requests")
_EVERY_DAY = ("alert", "list"), ("run", "list"), ("doctor",)
_SERVING = ("dbos", "fastapi", "uvicorn", "ringfence.api")


def imported(commands: tuple[tuple[str, ...], ...], heavy: tuple[str, ...], then: str = "pass") -> list[list[str]]:
    """Run commands in one process, and then a statement; return which heavy modules were loaded after each."""
    program = (
        "import contextlib, json, sys\n"
        "from ringfence.cli import main\n"
        "found = []\n"
        f"def look():\n    found.append([name for name in {heavy!r} if name in sys.modules])\n"
        f"for sys.argv[1:] in {commands!r}:\n"
        "    with contextlib.suppress(SystemExit):\n        main()\n"
        "    look()\n"
        f"{then}\nlook()\n"
        "print(json.dumps(found))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], input="", capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_what_needs_no_database_and_no_network_imports_none() -> None:
    assert imported(_LIGHT, _HEAVY) == [[]] * (len(_LIGHT) + 1)


def test_a_command_ends_without_looking_through_all_that_it_loaded() -> None:
    imported((("--version",),), (), then="import gc; assert gc.get_freeze_count() > 10_000")


def test_commands_of_every_day_and_a_server_that_starts_import_only_what_they_use(embedded: Database) -> None:
    folder = Path(embedded.engine.url.database or "").parent
    commands = tuple(("--data", str(folder), *command) for command in _EVERY_DAY)
    *after, served = imported(commands, (*_SERVING, *_SELDOM), then="import ringfence.serving")
    assert after == [[]] * len(_EVERY_DAY)
    assert served == [name for name in _SERVING if name != "ringfence.api"]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_table_says_of_each_command_what_the_command_says_itself(name: str) -> None:
    command = load(name)
    assert command.name == name
    assert (command.help or "").split("\n\n")[0].replace("\n", " ") == COMMANDS[name].summary


def test_the_version_is_printed_alone() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"ringfence {ringfence.__version__}\n"


def test_a_mistyped_command_is_corrected_with_status_2() -> None:
    done = CliRunner().invoke(app, ["alrt", "list"])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert "'alert'" in done.stderr


def test_a_missing_argument_is_status_2_with_nothing_on_stdout() -> None:
    done = CliRunner().invoke(app, ["run", "show", "--json"])
    assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize("debug", [False, True])
def test_an_error_that_nobody_expected_is_a_sentence_and_a_traceback_only_when_debugging(debug: bool) -> None:
    def open_app(settings: Settings) -> None:
        raise ZeroDivisionError("oh")

    outside = Outside(open_app=open_app)  # type: ignore[arg-type]
    given = ["--log-level", "debug"] if debug else []
    done = CliRunner().invoke(app, [*given, "run", "list"], obj=outside)
    assert (done.exit_code, done.stdout) == (1, "")
    assert "Error: Something unexpected went wrong: ZeroDivisionError: oh\n" in done.stderr
    assert ("Traceback" in done.stderr) is debug


def test_who_stops_reading_is_no_error_of_ours() -> None:
    def ask(question: str) -> str:
        raise BrokenPipeError(32, "Broken pipe")

    options = ["--name", "x", "--tenant-id", "x", "--client-id", "x"]
    done = CliRunner().invoke(app, ["account", "add", *options], obj=Outside(ask_secret=ask))
    assert done.exit_code == 1
    assert "Error" not in done.stderr


def test_a_terminal_that_cannot_show_a_character_gets_its_number(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ringfence", "playbook", "check", f"{tmp_path}/Überprüfung.yaml"],
        capture_output=True,
        env={"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(sys.path)},
        timeout=60,
    )
    assert done.returncode == 1
    assert b"\\xdcberpr\\xfcfung.yaml:1:1 error unreadable-file" in done.stdout


def test_the_program_that_is_installed_is_this_one() -> None:
    done = subprocess.run([sys.executable, "-m", "ringfence", "--version"], capture_output=True, text=True, timeout=60)
    assert done.stdout == f"ringfence {ringfence.__version__}\n"
