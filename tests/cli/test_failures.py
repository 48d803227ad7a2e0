import json

import pytest

from ringfence.cli.failures import explain, tell
from ringfence.defender import MissingRole
from ringfence.errors import Invalid, NotFound


def test_an_error_of_ours_is_its_message_and_its_advice_on_a_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tell(NotFound("There is no run \x1b[2J.", advice="List them."), as_json=False, debug=False)
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "Error: There is no run \\x1b[2J.\nList them.\n")


def test_as_json_an_error_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Invalid("No.", advice="Yes.", problems=("a.yaml:1:1",)), as_json=True, debug=False)
    printed = capsys.readouterr()
    said = {"code": "invalid", "message": "No.", "advice": "Yes.", "problems": ["a.yaml:1:1"]}
    assert printed.out == ""
    assert json.loads(printed.err) == {"error": said}


def test_the_problems_of_an_error_come_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    tell(Invalid("It has 1 error.", problems=("a.yaml:1:1 error x: no",)), as_json=False, debug=False)
    assert capsys.readouterr().err == "a.yaml:1:1 error x: no\nError: It has 1 error.\n"


def test_an_error_of_defender_keeps_its_code_and_its_advice() -> None:
    told = explain(MissingRole("Missing roles.", code="Forbidden"))
    assert (told.code, told.message) == ("Forbidden", "Missing roles.")
    assert told.advice.startswith("Grant the application")


def test_an_error_that_nobody_expected_shows_its_first_line_without_secrets(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = RuntimeError("it said Bearer abc.def.ghi\n[parameters: ('s3cret',)]")
    tell(error, as_json=False, debug=False)
    printed = capsys.readouterr().err
    assert "RuntimeError: it said Bearer [redacted]" in printed
    assert "--log-level debug" in printed
    assert "s3cret" not in printed
    assert "Traceback" not in printed


def test_when_debugging_the_traceback_comes_first_and_the_json_last(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise RuntimeError("broken")
    except RuntimeError as error:
        tell(error, as_json=True, debug=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("Traceback")
    assert json.loads(lines[-1])["error"]["code"] == "unexpected"
