from cli_world import Ringfence
from contoso import Contoso


def test_the_list_shows_what_is_not_resolved_and_is_filtered(ringfence: Ringfence, contoso: Contoso) -> None:
    items = ringfence.json("incident", "list")["items"]
    assert [(each["number"], each["alerts_count"], each["hosts_isolated"]) for each in items] == [(3, 1, 1), (2, 1, 0)]
    assert len(ringfence.json("incident", "list", "--all")["items"]) == 3
    assert [each["number"] for each in ringfence.json("incident", "list", "--status", "resolved")["items"]] == [1]
    assert [each["number"] for each in ringfence.json("incident", "list", "--owner", "-")["items"]] == [2]
    assert [each["number"] for each in ringfence.json("incident", "list", "--text", "finance")["items"]] == [3]
    lines = ringfence("incident", "list").stdout.splitlines()
    assert lines[0].split()[:4] == ["number", "severity", "status", "age"]
    assert "#3" in lines[1]
    assert "1/3" in lines[1]
    assert "--cursor 3" in ringfence("incident", "list", "--limit", "1").stderr
    assert "ringfence alert promote" in ringfence("incident", "list", "--text", "nothing").stderr


def test_one_incident_shows_everything(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("incident", "show", f"#{contoso.incident_number}")
    for words in ("Ransomware in finance", "CONTOSO\\adele.vance", "Call Adele Vance", "She did not enter a password."):
        assert words in said.stdout
    assert "10 more alerts of Defender's incident 4012" in said.stderr
    document = ringfence.json("incident", "show", str(contoso.incident_number))
    assert (document["number"], document["hosts"][0]["held"]) == (contoso.incident_number, True)
    assert [each["name"] for each in document["clocks"]][-2:] == ["confirmed", "released"]
    assert ringfence.error("incident", "show", "99")["code"] == "not_found"
    assert ringfence.error("incident", "show", "ninety")["code"] == "invalid"


def test_suggestions_are_shown_and_added_in_one_act(ringfence: Ringfence, contoso: Contoso) -> None:
    number = str(contoso.incident_number)
    (found,) = ringfence.json("incident", "suggestions", number)["items"]
    assert (found["defender_id"], len(found["alerts"]), found["elsewhere"][0]["number"]) == ("4012", 10, 2)
    said = ringfence("incident", "suggestions", number, "--add")
    assert "Added 10 alerts." in said.stdout
    assert "merge them if they are one story" in said.stderr
    ringfence("incident", "merge", "2", "--into", number)
    assert ringfence.json("incident", "suggestions", number)["items"] == []
    assert "nothing more" in ringfence("incident", "suggestions", number).stderr
