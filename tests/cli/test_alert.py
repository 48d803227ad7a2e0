import pytest
import sqlalchemy as sa

from cli_world import Ringfence
from contoso import WORKSTATION, Contoso
from listening_world import a_version
from ringfence.app import App
from ringfence.settings import Settings
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage import tables

HOSTILE = "[red]Invoice[/red] \x1b[2J\u202egpj.exe\nfake line"
SHOWN = "[red]Invoice[/red] \\x1b[2J\\u202egpj.exe\\nfake line"


def _rename(ringfence: Ringfence, alert_id: str, title: str) -> None:
    installation: App = ringfence.open(Settings(data=ringfence.data))
    statement = sa.update(tables.alerts).where(tables.alerts.c.id == alert_id).values(title=title)
    installation.database.run_now(lambda tx: tx.execute(statement))
    installation.close()


def test_alerts_are_listed_newest_first_and_whole(ringfence: Ringfence, contoso: Contoso) -> None:
    lines = ringfence("alert", "list").stdout.splitlines()
    assert lines[0].split() == ["id", "severity", "status", "arrived", "title", "machine", "account"]
    assert len(lines) == 13
    assert "Possible credential theft from LSASS memory" in lines[1]
    assert any(contoso.alert_id in line and "fin-ws-014.contoso.com" in line for line in lines)


def test_filters_narrow_and_take_any_letter_case(ringfence: Ringfence, contoso: Contoso) -> None:
    found = ringfence.json("alert", "list", "--severity", "high", "--severity", "LOW", "--status", "new")["items"]
    assert {(each["severity"], each["status"]) for each in found} == {("High", "New"), ("Low", "New")}
    assert len(ringfence.json("alert", "list", "--text", "fin-ws")["items"]) == 2


def test_a_severity_that_does_not_exist_is_a_mistake_in_the_call(ringfence: Ringfence) -> None:
    done = ringfence("alert", "list", "--severity", "Dreadful", status=2)
    assert done.stdout == ""
    assert "Invalid value for '--severity'" in done.stderr


def test_pages_follow_one_another_without_a_gap(ringfence: Ringfence, contoso: Contoso) -> None:
    whole = [each["id"] for each in ringfence.json("alert", "list")["items"]]
    first = ringfence.json("alert", "list", "--limit", "5")
    second = ringfence.json("alert", "list", "--limit", "500", "--cursor", first["next"])
    assert [each["id"] for each in (*first["items"], *second["items"])] == whole
    assert second["next"] is None
    assert f"--cursor {first['next']}" in ringfence("alert", "list", "--limit", "5").stderr


def test_the_json_of_an_alert_has_its_named_values(ringfence: Ringfence, contoso: Contoso) -> None:
    found = next(each for each in ringfence.json("alert", "list")["items"] if each["id"] == contoso.alert_id)
    assert found["machine_id"] == WORKSTATION
    assert found["account"] == "contoso"
    assert found["ingested_at"].endswith("Z")
    assert set(found) == {
        "id", "organization_id", "account_id", "account", "alert_id", "version", "title", "severity", "status",
        "category", "assigned_to", "incident_id", "machine_id", "machine_name", "event_at", "created_at", "updated_at",
        "ingested_at",
    }  # fmt: skip


def test_one_alert_comes_with_versions_runs_and_containments(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("alert", "show", contoso.alert_id).stdout
    assert f"fin-ws-014.contoso.com ({WORKSTATION})" in said
    assert "created" in said
    assert "reassigned, updated, with Ringfence's own change" in said
    assert contoso.live_run_id in said
    assert contoso.containment_id in said
    document = ringfence.json("alert", "show", contoso.alert_id)
    assert [each["version"] for each in document["versions"]] == [1, 2]
    assert document["versions"][0]["raw"]["computerDnsName"] == "fin-ws-014.contoso.com"
    assert [each["id"] for each in document["runs"]] == [contoso.live_run_id]
    assert [each["observed"] for each in document["containments"]] == ["isolated"]


def test_an_alert_is_found_by_defenders_id_too(ringfence: Ringfence, contoso: Contoso) -> None:
    theirs = ringfence.json("alert", "show", contoso.alert_id)["alert_id"]
    assert ringfence.json("alert", "show", theirs)["id"] == contoso.alert_id


def test_an_alert_that_nothing_ran_for_says_so(ringfence: Ringfence, contoso: Contoso) -> None:
    quiet = next(each for each in ringfence.json("alert", "list")["items"] if each["machine_id"] is None)
    said = ringfence("alert", "show", quiet["id"]).stdout
    assert "No playbook ran for it." in said
    assert "Containments" not in said


def test_hostile_text_is_shown_and_not_obeyed(ringfence: Ringfence, contoso: Contoso) -> None:
    _rename(ringfence, contoso.alert_id, HOSTILE)
    for arguments in (("alert", "list"), ("alert", "show", contoso.alert_id), ("run", "show", contoso.live_run_id)):
        said = ringfence(*arguments).stdout
        assert SHOWN in said
        assert "\x1b" not in said
        assert "\u202e" not in said
    assert ringfence.json("alert", "show", contoso.alert_id)["title"] == HOSTILE


@pytest.mark.parametrize(("filters", "said"), [((), "no alerts yet"), (("--status", "New"), "no such alerts")])
def test_an_empty_list_says_so_on_stderr(ringfence: Ringfence, filters: tuple[str, ...], said: str) -> None:
    done = ringfence("alert", "list", *filters)
    assert done.stdout == ""
    assert said in done.stderr
    assert ringfence.json("alert", "list", *filters) == {"items": [], "next": None}


def test_an_alert_that_does_not_exist_is_an_error_on_stderr_only(ringfence: Ringfence) -> None:
    assert ringfence.error("alert", "show", "nothing")["code"] == "not_found"


def test_another_organization_sees_none_of_them(ringfence: Ringfence, contoso: Contoso) -> None:
    ringfence.options = ("--organization", "default")
    assert ringfence.json("alert", "list")["items"] == []
    ringfence.options = ("--organization", "fabrikam")
    assert "fabrikam" in ringfence.error("alert", "list")["message"]


def test_what_could_not_be_read_is_listed_with_its_reason(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "could be read as an alert" in ringfence("alert", "rejected").stderr
    installation: App = ringfence.open(Settings(data=ringfence.data))
    account = installation.database.read_now(lambda tx: tx.one(sa.select(tables.accounts)))
    assert account is not None
    row = {
        "id": "018f0000-0000-7000-8000-000000000001",
        "organization_id": account["organization_id"],
        "account_id": account["id"],
        "fingerprint": "f",
        "reason": f"The alert has no id. {HOSTILE}",
        "raw": '{"title": 17}',
        "seen_at": account["created_at"],
    }
    installation.database.run_now(lambda tx: tx.insert_new(tables.rejected_alerts, [row]))
    installation.close()
    shown = ringfence("alert", "rejected").stdout
    assert "The alert has no id." in shown
    assert SHOWN in shown
    item = ringfence.json("alert", "rejected")["items"][0]
    assert item["raw"] == {"title": 17}
    assert item["account"] == "contoso"


def test_why_says_for_each_version_what_it_started_and_what_not(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("alert", "why", contoso.alert_id).stdout
    second, _, first = said.partition("Version 1,")
    assert "Version 2, seen" in second
    assert "The alert was reassigned and updated, not created." in second
    assert "Contain ransomware 1.3" in first
    assert contoso.live_run_id in first
    assert "Every condition holds." in first


def test_why_as_json_has_conditions_and_differences(ringfence: Ringfence, contoso: Contoso) -> None:
    document = ringfence.json("alert", "why", contoso.alert_id)
    second, first = document["versions"]
    assert (first["version"], first["changes"], first["playbooks"][0]["verdict"]) == (1, ["created"], "started")
    assert (second["standing"], second["ours"]) == ("mixed", ["comments"])
    assert [each["field"] for each in second["differences"]["fields"]] == ["assignedTo", "status", "comments[0]"]
    conditions = second["playbooks"][0]["conditions"]
    assert [each["field"] for each in conditions if not each["matched"]] == ["changes", "status"]
    only = ringfence.json("alert", "why", contoso.alert_id, "--version", "1")
    assert [each["version"] for each in only["versions"]] == [1]


def test_why_of_what_is_not_there_is_an_error(ringfence: Ringfence, contoso: Contoso) -> None:
    assert ringfence.error("alert", "why", "nothing")["code"] == "not_found"
    error = ringfence.error("alert", "why", contoso.alert_id, "--version", "9")
    assert "no version 9" in error["message"]


def test_an_alert_is_changed_in_defender(connected: Ringfence) -> None:
    name = portal.raise_alert(connected.tenant, AlertSpec(machine="wks-001"), connected.simulator.clock.now())
    installation: App = connected.open(Settings(data=connected.data))
    account = installation.database.read_now(lambda tx: tx.one(sa.select(tables.accounts)))
    assert account is not None
    alert = a_version(installation.database, account["organization_id"], account["id"], name)
    installation.close()
    options = ("--status", "inprogress", "--assign", "soc@contoso.com", "--comment", "Mine")
    said = connected("alert", "update", alert, *options, "--by", "ada").stdout
    assert "Defender has changed the alert (status, assigned to, comment): Ransomware." in said
    there = connected.tenant.alerts[name].document
    assert (there["status"], there["assignedTo"]) == ("InProgress", "soc@contoso.com")
    done = connected.json("alert", "update", name, "--classification", "TruePositive", "--determination", "Malware")
    assert done["changed"] == {"classification": "TruePositive", "determination": "Malware"}
    assert connected.error("alert", "update", alert)["code"] == "invalid"
