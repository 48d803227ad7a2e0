from dataclasses import dataclass

from ringfence.playbooks.rounds import of_item, of_try
from ringfence.runs.nesting import causes, tree


@dataclass(frozen=True)
class Row:
    step: str
    iteration: int = 0
    error: str = ""
    error_code: str = ""
    outcome: str | None = None

    @property
    def status(self) -> str:
        return "failed" if self.error else "succeeded"


FIRST, SECOND = of_item(0, 1), of_item(0, 2)
TRY = of_try(SECOND, 1)
INNER = of_item(TRY, 1)


def test_each_step_stands_behind_what_it_is_in() -> None:
    rows = [
        Row("hosts"),
        Row("tell"),
        Row("hosts", FIRST),
        Row("hosts", SECOND),
        Row("hosts", TRY),
        Row("hosts/each", TRY),
        Row("hosts/each", INNER),
        Row("hosts/then", INNER),
        Row("after", FIRST),
    ]
    assert [(row.step, row.iteration, depth) for row, depth in tree(rows)] == [
        ("hosts", 0, 0),
        ("hosts", FIRST, 1),
        ("hosts", SECOND, 1),
        ("hosts", TRY, 2),
        ("hosts/each", TRY, 3),
        ("hosts/each", INNER, 4),
        ("hosts/then", INNER, 3),
        ("tell", 0, 0),
        ("after", FIRST, 0),
    ]


def test_what_failed_in_a_loop_or_call_explains_that_and_the_same_failure_is_told_once() -> None:
    rows = [
        Row("hosts", error="2 of 2 items failed.", error_code="busy"),
        Row("hosts", FIRST, error="each: Busy.", error_code="busy"),
        Row("hosts", SECOND, error="each: Busy.", error_code="busy"),
        Row("hosts/each", FIRST, error="Busy.", error_code="busy"),
        Row("hosts/each", SECOND, error="Busy.", error_code="busy"),
        Row("hosts/fine", SECOND),
        Row("other", error="Never."),
    ]
    assert [[(row.step, row.iteration) for row in cause.steps] for cause in causes(rows)] == [
        [("hosts/each", FIRST), ("hosts/each", SECOND)],
        [("other", 0)],
    ]


def test_a_call_whose_time_was_over_failed_by_itself_whatever_failed_in_it() -> None:
    rows = [Row("call", error="It took too long.", error_code="timeout"), Row("call/each", error="Busy.")]
    assert [cause.first.step for cause in causes(rows)] == ["call", "call/each"]
