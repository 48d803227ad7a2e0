import base64

import pytest

from cacao_samples import TARGET, action, cacao, command, ident, text
from ringfence.playbooks.cacao.hands import decoded, length, told
from ringfence.playbooks.cacao.reading import read
from ringfence.playbooks.cacao.rules import Action
from ringfence.playbooks.durations import Duration

ONE = ident("action", 11)


def test_a_person_is_told_what_is_to_be_done_by_whom_and_on_what() -> None:
    given = command("GET /block HTTP/1.1", "http-api", content="{}", description="Blocks it.")
    foreign = read(text(cacao({ONE: action("Block", given, targets=[TARGET], description="Before noon.")}))).playbook
    step = foreign.workflow[ONE]
    assert isinstance(step, Action)
    assert told(foreign, step, step.commands[0]).splitlines() == [
        "To be done by hand (http-api): GET /block HTTP/1.1",
        "{}",
        "Before noon.",
        "Blocks it.",
        "By: Jump host",
        "On: Mail gateway",
        "Say yes when it is done, no if it cannot be.",
    ]


def test_base64_is_read_where_it_is_text_and_shown_as_it_is_where_it_is_not() -> None:
    assert decoded(base64.b64encode("Größe\n".encode()).decode()) == "Größe\n"
    assert decoded(None) == ""
    for odd in ("%%%", base64.b64encode(b"\xff\xfe").decode(), base64.b64encode(b"a\x00").decode()):
        assert decoded(odd) == f"(base64) {odd}"


@pytest.mark.parametrize(
    ("given", "written"),
    [(1_500, "1500 ms"), (60_000, "60 s"), (0, "1 ms"), (10**15, "2592000 s"), (10**9 + 1, "1000000 s")],
)
def test_times_are_written_as_ours_and_bounded(given: int, written: str) -> None:
    assert length(given) == written
    assert Duration.parse(written).seconds > 0
