from pathlib import Path

from cli_world import Ringfence


def test_a_table_is_made_filled_searched_exported_imported_and_removed(ringfence: Ringfence, tmp_path: Path) -> None:
    assert "no table yet" in ringfence("table", "list").stderr
    assert ringfence.json("table", "add", "offices", "--kind", "network")["table"]["kind"] == "network"
    put = ("table", "put", "offices", "203.0.113.0/24", "--note", "=HQ", "--expires", "7 d", "--field", "owner=ines")
    assert ringfence.json(*put) == {"added": 1, "replaced": 0}
    assert "203.0.113.0/24" in ringfence("table", "entries", "offices").stdout
    assert ringfence.json("table", "entries", "offices", "--text", "nowhere")["items"] == []
    assert "not found" in ringfence("table", "lookup", "offices", "192.0.2.1").stdout
    assert ringfence.json("table", "lookup", "offices", "203.0.113.9")["items"][0]["entry"]["data"] == {"owner": "ines"}
    file = tmp_path / "offices.csv"
    ringfence("table", "export", "offices", "-o", str(file))
    assert "'=HQ" in file.read_text()
    assert "'=HQ" in ringfence("table", "export", "offices").stdout
    assert "1 were in it" in ringfence("table", "take-out", "offices", "203.0.113.1/24").stdout.replace("1 of 1", "1")
    assert ringfence.json("table", "import", "offices", str(file)) == {"read": 1, "added": 1}
    replaced = ringfence.json("table", "import", "offices", "-", "--replace", stdin="value\n192.0.2.0/24\n")
    assert replaced == {"read": 1, "added": 1}
    assert [each["value"] for each in ringfence.json("table", "entries", "offices")["items"]] == ["192.0.2.0/24"]
    assert ringfence.json("table", "take-out-expired", "offices") == {"removed": 0}
    assert "Give --yes" in ringfence("table", "remove", "offices", status=1).stderr
    assert "is removed" in ringfence("table", "remove", "offices", "--yes").stdout


def test_what_cannot_be_meant_is_told(ringfence: Ringfence, tmp_path: Path) -> None:
    ringfence("table", "add", "vips")
    assert "There is nothing in it" in ringfence("table", "entries", "vips").stderr
    assert ringfence.json("table", "list")["items"][0]["entries"] == 0
    for wrong in (("--expires", "soon"), ("--field", "owner")):
        ringfence("table", "put", "vips", "ines", *wrong, status=1)
    assert "cannot be read" in ringfence("table", "import", "vips", str(tmp_path / "none"), status=1).stderr
    assert "cannot be written" in ringfence("table", "export", "vips", "-o", str(tmp_path), status=1).stderr
