import io
import json

import pytest

from ringfence.playbooks.proof import Proof, Subject
from ringfence.proving.__main__ import main


def test_what_is_to_be_proven_comes_by_stdin_and_what_came_of_it_goes_to_stdout(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(Subject(source="ringfence: 1").model_dump_json()))
    main()
    found = Proof.model_validate(json.loads(capsys.readouterr().out))
    assert not found.proven


def test_a_process_that_stood_ready_and_was_asked_nothing_says_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["proving", "play"])
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    main()
    assert capsys.readouterr().out == ""
