import pytest

from cli_world import Ringfence


@pytest.fixture
def megan(ringfence: Ringfence) -> str:
    ringfence("user", "invite", "megan", "--role", "organization_administrator")
    return "megan"


def test_a_filter_is_saved_for_somebody_listed_and_removed(ringfence: Ringfence, megan: str) -> None:
    assert "No filter is shared" in ringfence("filter", "list").stderr
    where = ("--list", "alerts", "--of", megan)
    made = ringfence.json(
        "filter", "save", "High ones", *where, "--query", "severity=High&q=ws", "--shared", "--default"
    )
    assert made["filter"]["address"] == "/alerts?severity=High&q=ws"
    assert (made["filter"]["shared"], made["filter"]["default"]) == (True, True)
    assert "High ones" in ringfence("filter", "list", "--list", "alerts").stdout
    assert [each["mine"] for each in ringfence.json("filter", "list", "--of", megan)["items"]] == [True]
    assert "colour" in ringfence("filter", "save", "x", *where, "--query", "colour=red", status=1).stderr
    assert "There are: High ones" in ringfence("filter", "remove", "no", *where, status=1).stderr
    assert "removed" in ringfence("filter", "remove", "High ones", *where).stdout
    assert "no filter yet" in ringfence("filter", "list", "--of", megan).stderr
    assert "no such user" in ringfence("filter", "list", "--of", "nobody", status=1).stderr


def test_columns_are_chosen_for_somebody_in_their_order(ringfence: Ringfence, megan: str) -> None:
    usual = ringfence.json("filter", "columns", "alerts", "--of", megan)
    assert (usual["own"], usual["columns"][0]) == (False, "severity")
    chosen = ringfence.json("filter", "columns", "alerts", "seen", "alert", "--of", megan)
    assert (chosen["own"], chosen["columns"]) == (True, ["seen", "alert"])
    assert "Severity" in ringfence("filter", "columns", "alerts", "--of", megan).stdout
    assert ringfence.json("filter", "columns", "alerts", "--of", megan, "--usual") == usual
    assert "one of both" in ringfence("filter", "columns", "alerts", "seen", "--of", megan, "--usual", status=1).stderr
