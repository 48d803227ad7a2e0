from ringfence.errors import Conflict, Outdated
from ringfence.storage import editions
from ringfence.web.overtaken import seen_of, told


def test_a_form_has_seen_what_it_was_opened_with_and_nothing_else() -> None:
    assert seen_of(" tier-2 ", "tier-2", "abc") == "abc"
    for name, about, seen in (("tier-3", "tier-2", "abc"), ("tier-2", "", ""), ("tier-2", "tier-2", "")):
        assert seen_of(name, about, seen) == editions.NONE


def test_who_was_overtaken_is_told_that_nothing_is_lost_and_all_others_what_they_were() -> None:
    said = told(Outdated("Somebody has changed it.", advice="Read it again."))
    assert (said.status, said.message) == (412, "Somebody has changed it.")
    assert "What you typed is kept" in said.advice
    other = Conflict("No.")
    assert told(other) is other
