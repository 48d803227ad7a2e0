import json
from pathlib import Path

from cli_world import Ringfence
from response_world import BEACON


def test_a_scan_is_asked_for_carried_out_by_a_worker_and_shown_with_its_proof(connected: Ringfence) -> None:
    made = connected.json("response", "request", "antivirus_scan", "wks-001", "--scan", "full", "--reason", "Odd")
    assert (made["state"], made["parameters"]) == ("requested", {"scan": "Full"})
    assert [each["id"] for each in connected.json("response", "list")["items"]] == [made["id"]]
    for _ in range(12):
        connected.work(300.0)
    done = connected.json("response", "show", made["id"])
    assert (done["state"], done["over"]) == ("done", True), done["detail"]
    said = connected("response", "show", made["id"]).stdout
    for words in ("antivirus_scan", "Nothing to undo", "Defender confirmed it", "Policy"):
        assert words in said
    assert connected("response", "list").stderr
    assert "wks-001" in connected("response", "list", "--all", "--kind", "antivirus_scan").stdout


def test_a_restriction_is_undone(connected: Ringfence) -> None:
    made = connected.json(
        "response", "request", "restrict_app_execution", "wks-001", "--reason", "Odd", "--undo-after", "4 h"
    )
    for _ in range(8):
        connected.work(300.0)
    assert connected.json("response", "show", made["id"])["in_effect"] is True
    assert "worker" in connected("response", "undo", made["id"], "--reason", "Clean").stdout
    for _ in range(8):
        connected.work(300.0)
    assert connected.json("response", "show", made["id"])["state"] == "undone"
    assert "over already" in connected("response", "undo", made["id"], "--reason", "Clean").stdout


def test_what_cannot_be_undone_is_asked_about_first(connected: Ringfence) -> None:
    offboard = ("response", "request", "offboard", "wks-001", "--reason", "Retired")
    refused = connected.error(*offboard)
    assert "No undo" in refused["message"]
    assert "--yes" in refused["advice"]
    connected.confirms = False
    assert "Nothing was asked for" in connected(*offboard, status=1).stderr
    assert connected.json("response", "list")["items"] == []
    said = connected(*offboard, "--yes").stdout
    assert "No undo" in said


def test_indicators_are_read_from_a_file(connected: Ringfence, tmp_path: Path) -> None:
    file = tmp_path / "indicators.json"
    file.write_text(json.dumps([BEACON]))
    made = connected.json("response", "request", "indicators", "--indicators", str(file), "--reason", "Beacon")
    connected.work(1.0)
    assert connected.json("response", "show", made["id"])["state"] == "done"
    file.write_text("{")
    said = connected.error("response", "request", "indicators", "--indicators", str(file), "--reason", "Beacon")
    assert "cannot be read as JSON" in said["message"]
    connected("response", "request", "antivirus_scan", "x", "--undo-after", "soon", "--reason", "a", status=2)
