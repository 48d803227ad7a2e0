"""Logs are structured, and no secret reaches them."""

import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from ringfence import logs

TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJyb2xlcyI6W119.c2lnbmF0dXJl"


def test_values_under_telling_keys_and_tokens_anywhere_are_replaced() -> None:
    found = logs.redact(
        {
            "client_secret": "s3cret~value",
            "note": f"sent Bearer abc.def-ghi and {TOKEN}",
            "deep": [{"Authorization": "Basic x"}, ("api_key", TOKEN)],
            "secret_count": 3,
        }
    )
    text = json.dumps(found)
    for hidden in ("s3cret", "abc.def", TOKEN, "Basic x"):
        assert hidden not in text
    assert found["secret_count"] == 3


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_redaction_takes_any_document(document: object) -> None:
    logs.redact(document)


def test_a_line_carries_what_was_bound_and_hides_what_is_secret(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("info", "json")
        with logs.bind(run="r-1"):
            logs.get("ringfence.tests.logs").info("did it", password="hunter2", step="isolate")
        logging.getLogger("another.library").warning("token %s", TOKEN)
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert lines[0]["run"] == "r-1"
    assert lines[0]["step"] == "isolate"
    assert lines[0]["password"] == logs.REDACTED
    assert TOKEN not in json.dumps(lines[1])


def test_nothing_is_written_to_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        logs.configure("debug", "text")
        logs.get("ringfence.tests.out").warning("to stderr")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "to stderr" in captured.err


def test_a_logger_that_was_used_obeys_a_later_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    logger = logs.get("ringfence.tests.later")
    try:
        logs.configure("info", "json")
        logger.info("first")
        with capture_logs() as entries:
            logger.info("second")
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert [entry["event"] for entry in entries] == ["second"]
    assert "first" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_value_that_looks_like_a_format_is_written_as_it_is(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    hostile = "%s %(name)s {0.__class__} ${PATH}"
    try:
        logs.configure("info", form)
        logs.get("ringfence.tests.formats").info("seen", host=hostile)
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
    assert hostile in capsys.readouterr().err


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_line_break_in_a_value_makes_no_second_line(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", form)
    logs.get("test").warning("refused", name="megan\n2026-01-01 [info] all is well\r\x1b[2K")
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "\r" not in said
    assert "\x1b" not in said
