import json

from cli_world import Ringfence


def test_it_says_what_is_wrong_and_what_to_do_and_its_status_says_it_too(ringfence: Ringfence) -> None:
    said = ringfence("doctor", "--offline", status=1).stdout
    assert "failure  worker: No worker has ever run." in said
    assert "Start one: `ringfence serve`" in said
    found = json.loads(ringfence("doctor", "--offline", "--json", status=1).stdout)
    assert found["level"] == "failure"
    assert {"check", "level", "said", "advice"} == set(found["findings"][0])


def test_a_database_that_cannot_be_opened_is_a_finding(ringfence: Ringfence) -> None:
    (ringfence.data / "ringfence.sqlite3").write_bytes(b"nothing that SQLite knows" * 100)
    found = json.loads(ringfence("doctor", "--json", status=1).stdout)
    assert (found["findings"][0]["check"], found["findings"][0]["level"]) == ("database", "failure")
    assert "disk" in {each["check"] for each in found["findings"]}
