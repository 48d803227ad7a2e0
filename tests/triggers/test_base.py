from ringfence.triggers.base import Declaration, FieldMatch, Match, Verdict


def test_a_match_needs_every_condition_and_says_which_ones_fail() -> None:
    yes, no = FieldMatch("status", True, "The status is New."), FieldMatch("severity", False, "The severity is Low.")
    assert Match((yes,)).matched
    assert Match((yes,)).reason == "The status is New."
    assert not Match((yes, no)).matched
    assert Match((yes, no)).reason == "The severity is Low."


def test_a_declaration_may_know_no_changes() -> None:
    assert Declaration("manual", "By hand", "Starts when a person asks.").changes == ()


def test_verdicts_are_one_letter_each_and_say_whether_a_condition_failed() -> None:
    assert all(len(verdict) == 1 for verdict in Verdict)
    assert {verdict.word for verdict in Verdict} == {
        "started",
        "joined",
        "own_change",
        "late",
        "paused",
        "awaited",
        "not_matched",
    }
    assert (Verdict.SEVERITY.field, Verdict.SEVERITY.word) == ("severity", "not_matched")
    assert (Verdict.STARTED.field, Verdict.OFF.field) == (None, None)
