from ringfence.playbooks.masks import SIDES, Masks
from ringfence.rehearsals.hiding import hidden
from ringfence.rehearsals.report import How, Report, StepReport
from ringfence.security.hiding import HIDDEN, Hider

MASKS = {"one": Masks.of(["password"])}


def test_masked_fields_and_known_secrets_are_hidden_wherever_they_stand() -> None:
    assert SIDES
    one = StepReport(
        "one", "logic.set", "pure", How.COMPUTED, "succeeded", "success", {"password": "hunter2-long"}, {"a": 1}
    )
    two = StepReport(
        "two",
        "logic.set",
        "pure",
        How.COMPUTED,
        "failed",
        None,
        {"text": "was hunter2-long"},
        None,
        "key-of-the-house!",
    )
    shown = hidden(Report("One", "failed", "two: key-of-the-house!", (one, two)), MASKS, Hider(["key-of-the-house!"]))
    assert shown.steps[0].input == {"password": HIDDEN}
    assert "hunter2" not in str(shown)
    assert "key-of" not in str(shown)
    assert shown.steps[0].output == {"a": 1}
