from ringfence.triggers.base import Declaration, FieldMatch, Match


def test_a_match_needs_every_condition_and_says_which_ones_fail() -> None:
    yes, no = FieldMatch("status", True, "The status is New."), FieldMatch("severity", False, "The severity is Low.")
    assert Match((yes,)).matched
    assert Match((yes,)).reason == "The status is New."
    assert not Match((yes, no)).matched
    assert Match((yes, no)).reason == "The severity is Low."


def test_a_declaration_may_know_no_changes() -> None:
    assert Declaration("manual", "By hand", "Starts when a person asks.").changes == ()
