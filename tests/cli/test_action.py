"""Actions by hand, against the simulator."""

import zipfile
from pathlib import Path

import pytest

from cli_world import Ringfence
from ringfence import clock
from ringfence.simulator.faults import Fault


@pytest.fixture
def machine(connected: Ringfence) -> str:
    """The id of a machine of the connected tenant, whose time is everybody's."""
    clock.replace(connected.simulator.clock.now)
    found = connected.tenant.find_machine("wks-001")
    assert found is not None
    return found.id


def pass_time(ringfence: Ringfence) -> list[float]:
    """Let time pass whenever the command line waits, and return what it waited."""
    waited: list[float] = []

    def pause(seconds: float) -> None:
        waited.append(seconds)
        ringfence.work(60.0)
        ringfence.simulator.settle()

    ringfence.on_pause = pause
    return waited


def test_actions_are_listed_and_found_by_what_they_do(ringfence: Ringfence) -> None:
    said = ringfence("action", "list").stdout
    assert said.splitlines()[0].split() == ["id", "effect", "what", "it", "does"]
    assert "containment.contain" in said
    found = ringfence.json("action", "list", "forensic", "--connector", "defender", "--effect", "write")["items"]
    assert [each["id"] for each in found] == ["defender.collect_investigation_package"]
    assert "no such action" in ringfence("action", "list", "zzz").stderr
    assert "Choose one of: " in ringfence.error("action", "list", "--connector", "zzz")["advice"]


def test_an_action_is_shown_with_all_that_is_needed_to_run_it(ringfence: Ringfence) -> None:
    said = ringfence("action", "show", "defender.run_av_scan").stdout
    for words in (
        "write: it changes something",
        "Machine.Scan, Machine.Read.All",
        "no (Quick)",
        "no (true)",
        "action: defender.run_av_scan",
        "ringfence action run defender.run_av_scan --account NAME --with machine=… --with comment=…",
    ):
        assert words in said, words
    assert ringfence.json("action", "show", "logic.set")["effect"] == "pure"
    assert "It takes none." in ringfence("action", "show", "defender.get_exposure_score").stdout
    error = ringfence.error("action", "show", "defender.scan")
    assert error["code"] == "not_found"
    assert "get_machine" in ringfence.error("action", "show", "get_machin")["advice"]


def test_what_only_reads_is_done_at_once(connected: Ringfence, machine: str) -> None:
    said = connected("action", "run", "defender.get_machine", "--with", f"machine={machine}").stdout
    assert "computerDnsName" in said
    assert "wks-001" in said
    document = connected.json("action", "run", "defender.get_machine", "--with", f"machine={machine}")
    assert (document["outcome"], document["account"], document["files"]) == ("success", "contoso", [])
    assert document["output"]["id"] == machine
    assert connected.asked == []


def test_what_needs_no_account_runs_without_one(ringfence: Ringfence) -> None:
    assert ringfence("action", "run", "logic.condition", "--with", "test='a' == 'a'").stdout == "yes\ntest  true\n"


def test_what_changes_something_is_asked_about_in_plain_words(connected: Ringfence, machine: str) -> None:
    scan = ("action", "run", "defender.run_av_scan", "--with", f"machine={machine}", "--with", "comment=Odd")
    refused = connected.error(*scan)
    assert refused["code"] == "invalid"
    assert "--yes" in refused["advice"]
    connected.confirms = False
    said = connected(*scan, status=1).stderr
    for words in ("changes something", "the account contoso", "Scan a machine", "comment: Odd", "Nothing was done."):
        assert words in said, words
    assert connected.tenant.actions == {}
    connected.confirms = True
    waited = pass_time(connected)
    done = connected(*scan)
    assert done.stdout.startswith("success\n")
    assert "A running worker" in done.stderr
    assert waited
    assert len(connected.tenant.actions) == 1


def test_files_are_written_to_the_folder_and_never_over_another(
    connected: Ringfence, machine: str, tmp_path: Path
) -> None:
    pass_time(connected)
    folder = tmp_path / "out"
    (folder).mkdir()
    (folder / "package-wks-001.zip").write_text("mine")
    run = ("action", "run", "defender.collect_investigation_package", "--yes", "-o", str(folder))
    document = connected.json(*run, "--with", f"machine={machine}", "--with", "comment=Odd")
    (file,) = document["files"]
    assert file["path"] == str(folder / "package-wks-001 (2).zip")
    assert zipfile.ZipFile(file["path"]).namelist()
    assert (folder / "package-wks-001.zip").read_text() == "mine"
    assert any("as response" in line["message"] for line in document["log"])


def test_whoever_stops_watching_is_told_what_goes_on(connected: Ringfence, machine: str) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    connected.on_pause = stop
    done = connected(
        "action",
        "run",
        "defender.run_av_scan",
        "--yes",
        "--with",
        f"machine={machine}",
        "--with",
        "comment=Odd",
        status=130,
    )
    assert connected.tenant.actions == {}
    assert "nothing was cancelled. It goes on as response " in done.stderr
    assert "`ringfence response show " in done.stderr


def test_a_containment_goes_through_policy_and_is_carried_out_by_a_worker(connected: Ringfence, machine: str) -> None:
    def work(_: float) -> None:
        connected.work(30.0)

    connected.on_pause = work
    contain = ("--with", f"machine={machine}", "--with", "reason=Ransomware", "--by", "megan.bowen", "--yes")
    document = connected.json("action", "run", "containment.contain", *contain)
    assert document["outcome"] == "success"
    held = connected.json("containment", "list")["items"]
    assert [(each["state"], each["requested_by"]) for each in held] == [("contained", "megan.bowen")]
    release = ("action", "run", "containment.release", "--with", "machine=wks-001", "--with", "reason=Clean", "--yes")
    assert connected.json(*release)["outcome"] == "success"
    assert connected.json(*release)["outcome"] == "not_owned"


def test_whoever_stops_watching_a_containment_is_told_its_id(connected: Ringfence, machine: str) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    connected.on_pause = stop
    contain = ("action", "run", "containment.contain", "--yes", "--with", f"machine={machine}", "--with", "reason=Odd")
    said = connected(*contain, status=130).stderr
    (held,) = connected.json("containment", "list")["items"]
    assert f"ringfence containment show {held['id']}" in said


def test_what_defender_refuses_is_told_with_what_to_do(connected: Ringfence, machine: str) -> None:
    error = connected.error("action", "run", "defender.get_alert", "--with", "alert=da1")
    assert error["code"] == "ResourceNotFound"
    assert error["advice"]
    fault = {"kind": "status", "operation": "get_machine", "status": 403, "times": None}
    connected.simulator.faults.add(Fault.model_validate(fault))
    connected("action", "run", "defender.get_machine", "--with", f"machine={machine}", status=1)


def test_an_account_is_named_where_there_are_several(connected: Ringfence, machine: str) -> None:
    connected("account", "add", *connected.account_options("fabrikam"))
    run = ("action", "run", "defender.get_machine", "--with", f"machine={machine}")
    assert connected.error(*run)["advice"] == "Name one of: contoso, fabrikam."
    assert connected.json(*run, "--account", "fabrikam")["account"] == "fabrikam"
