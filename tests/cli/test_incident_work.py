import pytest

from cli_world import Ringfence
from contoso import Contoso
from hostile import HOSTILE


def low_alerts(ringfence: Ringfence) -> list[str]:
    return [each["id"] for each in ringfence.json("alert", "list", "--severity", "low")["items"]]


def test_alerts_are_promoted_by_a_person(ringfence: Ringfence, contoso: Contoso) -> None:
    first, second, *_ = low_alerts(ringfence)
    made = ringfence.json("alert", "promote", first, "--title", "Odd sign-ins", "--by", "alex.wilber")
    number = str(made["incident"]["number"])
    assert (made["created"], made["incident"]["created_by"]) == (True, "alex.wilber")
    assert "(unchanged)" in ringfence("alert", "promote", first).stdout
    assert "(1 added)" in ringfence("alert", "promote", second, "--incident", f"#{number}").stdout
    assert ringfence.error("alert", "promote", first, "--incident", "2")["code"] == "in_another_incident"
    assert f"#{number} (open)" in ringfence("alert", "show", first).stdout
    assert [each["number"] for each in ringfence.json("alert", "show", first)["incidents"]] == [int(number)]
    assert "taken out" in ringfence("incident", "remove", number, second).stdout
    assert ringfence.json("incident", "add", number, second)["added"] == [second]


def test_people_write_notes_and_do_tasks(ringfence: Ringfence, contoso: Contoso) -> None:
    number = str(contoso.incident_number)
    assert ringfence.json("incident", "note", number, "Seen", "--by", "alex")["by"] == "alex"
    task = ringfence.json("incident", "task", number, "Restore the share", "--assignee", "alex", "--due", "4 h")
    assert (task["number"], task["assignee"]) == (4, "alex")
    assert ringfence.json("incident", "done", number, "4")["done_at"] is not None
    assert "to be done again" in ringfence("incident", "done", number, "4", "--undo").stdout
    assert "for megan now" in ringfence("incident", "assign", number, "megan", "--task", "4").stdout
    assert ringfence.json("incident", "assign", number, "")["owner"] is None
    changed = ringfence.json("incident", "update", number, "--severity", "low", "--status", "open", "--title", "Quiet")
    assert (changed["severity"], changed["status"], changed["title"]) == ("Low", "open", "Quiet")
    assert "neither a length of time" in ringfence("incident", "task", number, "x", "--due", "soon", status=2).stderr


@pytest.mark.parametrize("text", [each for each in HOSTILE if "\x00" not in each and len(each) < 300])
def test_hostile_text_commands_no_terminal(ringfence: Ringfence, contoso: Contoso, text: str) -> None:
    number = str(contoso.incident_number)
    ringfence("incident", "note", "--by", text, number, "--", text)
    ringfence("incident", "task", number, "--assignee", text, "--", text)
    said = ringfence("incident", "show", number).stdout
    assert all(each.isprintable() for each in said.replace("\n", ""))
