from ringfence.triggers.condition import where


def test_a_condition_says_whether_it_holds() -> None:
    assert where("a == 'x'", {"a": "x"}, "message").matched
    assert where("a == 'y'", {"a": "x"}, "message").reason == "The condition `where` is not true for this message."


def test_a_condition_that_cannot_be_evaluated_does_not_hold_and_says_why() -> None:
    found = where("a[", {"a": "x"}, "message")
    assert not found.matched
    assert "a[" in found.reason
