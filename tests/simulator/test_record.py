import json

from ringfence.simulator.record import Record, compact


def test_lists_show_no_evidence_and_single_reads_do() -> None:
    record = Record("a", {"id": "a", "evidence": [{"entityType": "File"}], "domains": []}, {})
    assert json.loads(record.brief())["evidence"] == []
    assert json.loads(record.full())["evidence"] == [{"entityType": "File"}]
    assert list(json.loads(record.brief())) == ["id", "evidence", "domains"]


def test_a_change_is_seen_once_announced() -> None:
    record = Record("a", {"id": "a", "status": "New"}, {})
    assert b"New" in record.full()
    record.document["status"] = "Resolved"
    record.changed()
    assert b"Resolved" in record.brief()


def test_json_is_compact_and_survives_broken_characters() -> None:
    assert compact({"a": ["é", 1]}) == '{"a":["é",1]}'.encode()
    assert compact("\ud800") == b'"?"'
