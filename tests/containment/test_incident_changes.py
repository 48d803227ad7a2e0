import pytest

from ringfence.containment.incident_changes import Changes
from ringfence.errors import Invalid


def test_what_is_said_is_what_is_not_empty() -> None:
    assert Changes(owner=" alex ", comment=" ", hosts="keep").values() == {"owner": "alex", "hosts": "keep"}
    assert Changes(resolution="benign", reason="A test").values() == {"resolution": "benign", "reason": "A test"}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Changes(), "Nothing was said"),
        (Changes(reason="Because", hosts="release"), "Nothing was said"),
        (Changes(resolution="benign", reason=" "), "with a reason"),
        (Changes(resolution="merged", reason="Because"), "no resolution"),
    ],
)
def test_what_changes_nothing_or_cannot_be_is_refused(wanted: Changes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        wanted.values()
