import pytest

from ringfence.simulator.defender.alerts import DETERMINATIONS as DEFENDERS
from ringfence.simulator.graph.spelling import ALERT_STATUSES, CLASSIFICATIONS, DETERMINATIONS, meant, shown, source
from ringfence.simulator.operations import ApiError


def test_what_is_written_is_read_back_in_graphs_spelling() -> None:
    for allowed in (CLASSIFICATIONS, ALERT_STATUSES):
        assert all(shown(meant(name, allowed)) == name for name in allowed)
    assert shown(meant("compromisedUser", DETERMINATIONS)) == "compromisedAccount"
    assert shown(meant("clean", DETERMINATIONS)) == "notMalicious"


def test_every_determination_of_defender_has_a_name_in_graph() -> None:
    assert {shown(name) for name in DEFENDERS} <= set(DETERMINATIONS)


def test_letters_case_does_not_matter_but_the_word_does() -> None:
    assert meant("TruePositive", CLASSIFICATIONS) == "TruePositive"
    with pytest.raises(ApiError):
        meant("maybe", CLASSIFICATIONS)


def test_an_unknown_source_is_called_unknown() -> None:
    assert (source("WindowsDefenderAv"), source(None), shown(None), shown(7)) == (
        "antivirus",
        "unknown",
        "unknown",
        "unknown",
    )
