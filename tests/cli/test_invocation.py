import logging
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from ringfence.cli.invocation import Invocation, Outside, who
from ringfence.errors import Misconfigured


def _invocation(**given: object) -> Invocation:
    return Invocation(Outside(), given)


def test_an_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RINGFENCE_PORT", "9000")
    monkeypatch.setenv("RINGFENCE_DATA", "elsewhere")
    called = _invocation(data=tmp_path, database_url=None)
    assert (called.settings.data, called.settings.port) == (tmp_path, 9000)
    called.give(port=9001, host=None)
    assert (called.settings.data, called.settings.port, called.settings.host) == (tmp_path, 9001, "127.0.0.1")


def test_a_setting_that_cannot_be_used_is_named_without_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_PORT", "hunter2")
    with pytest.raises(Misconfigured) as caught:
        _ = _invocation().settings
    assert "port" in caught.value.message
    assert "hunter2" not in str(caught.value)


def test_a_log_level_of_the_environment_that_does_not_exist_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGFENCE_LOG_LEVEL", "loud")
    with pytest.raises(Misconfigured, match="debug, info, warning, error"):
        _ = _invocation().settings


@pytest.mark.parametrize(
    ("given", "serving", "level"),
    [({}, False, logging.WARNING), ({}, True, logging.INFO), ({"log_level": "debug"}, False, logging.DEBUG)],
)
def test_a_command_that_ends_at_once_logs_warnings_only_unless_asked(
    given: dict[str, object], serving: bool, level: int
) -> None:
    _invocation(**given).set_logging(serving=serving)
    assert logging.getLogger().level == level


def test_a_data_folder_that_cannot_be_made_says_which_option_to_use(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(Misconfigured, match="--data") as caught, _invocation(data=file / "data").opened():
        pass
    assert str(file) in caught.value.message


def test_what_happens_inside_is_not_taken_for_a_fault_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), _invocation(data=tmp_path).opened():
        raise FileNotFoundError("something else")


def test_who_did_it_is_the_given_name_or_the_login(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "megan")
    assert (who(" adele "), who(None), who(" ")) == ("adele", "megan", "megan")


_ASK = "from ringfence.cli.invocation import Outside; print(repr(Outside().ask_secret('Client secret')))"


def test_a_person_is_asked_for_the_secret_without_showing_it() -> None:
    ours, theirs = pty.openpty()
    # Without a terminal of its own the program reads what it was given as stdin.
    with subprocess.Popen(
        [sys.executable, "-c", _ASK], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = b""
        while b"Client secret: " not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, b"s3cret~value\n")
        assert process.stdout is not None
        assert process.stdout.read() == b"'s3cret~value'\n"
        assert b"s3cret" not in shown + os.read(ours, 1000)
    os.close(ours)


def test_nobody_is_asked_where_nobody_is() -> None:
    done = subprocess.run([sys.executable, "-c", _ASK], input="s3cret\n", capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_a_text_is_edited_in_the_persons_editor(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def editor(script: str) -> None:
        program = tmp_path / "editor"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o700)
        monkeypatch.setenv("VISUAL", f"{program} --wait")

    edit = Outside().edit
    editor('printf "mode: none\\n" > "$2"')
    assert edit("mode: any\n") == "mode: none\n"
    editor("true")
    assert edit("mode: any\n") is None
    editor("exit 1")
    assert edit("mode: any\n") is None
    monkeypatch.setenv("VISUAL", str(tmp_path / "missing"))
    with pytest.raises(Misconfigured, match="cannot be used"):
        edit("mode: any\n")
