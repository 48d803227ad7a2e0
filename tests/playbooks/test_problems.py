from ringfence.playbooks.problems import Problem, Severity, has_errors


def test_a_problem_is_one_line_that_editors_can_jump_to() -> None:
    problem = Problem("unknown-action", Severity.ERROR, "There is no action 'a.b'.", "Did you mean a.c?", 12, 7)
    assert problem.render("file.yaml") == (
        "file.yaml:12:7 error unknown-action: There is no action 'a.b'. Did you mean a.c?"
    )


def test_a_problem_without_advice_ends_with_its_message() -> None:
    assert Problem("c", Severity.NOTE, "So.").render("f") == "f:1:1 note c: So."


def test_a_problem_as_an_object_has_its_place() -> None:
    problem = Problem("c", Severity.WARNING, "So.", "", 3, 4, "one", "with.machine")
    assert problem.to_json() == {
        "code": "c",
        "severity": "warning",
        "message": "So.",
        "advice": "",
        "line": 3,
        "column": 4,
        "step": "one",
        "field": "with.machine",
    }


def test_problems_sort_by_place() -> None:
    late, early = Problem("a", Severity.ERROR, "x", line=2), Problem("b", Severity.ERROR, "x", line=1, column=9)
    assert sorted([late, early], key=lambda problem: problem.order) == [early, late]


def test_only_errors_keep_a_playbook_from_running() -> None:
    assert not has_errors([Problem("a", Severity.WARNING, "x"), Problem("a", Severity.NOTE, "x")])
    assert has_errors((Problem("a", Severity.ERROR, "x"),))
