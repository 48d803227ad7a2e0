import pytest

from ringfence.actions import given
from ringfence.actions.catalogue import discover
from ringfence.errors import Invalid


def test_every_input_that_does_not_fit_is_named_with_what_was_perhaps_meant() -> None:
    action = discover().find("containment.contain")
    assert action is not None
    given.demand(action, {"machine": "fin-ws-014", "reason": "Ransomware"}, advice="")
    with pytest.raises(Invalid) as refused:
        given.demand(action, {"machin": "fin-ws-014", "reason": 5, "x": None}, advice="Look.")
    assert refused.value.advice == "Look."
    unknown, wrong, other, missing = refused.value.problems
    assert unknown == "machin is no input of it. Did you mean machine?"
    assert wrong.startswith("reason: ")
    assert other.startswith("x is no input of it. It takes: machine")
    assert missing.startswith("machine is missing: ")
