import asyncio
import json
from pathlib import Path

import pytest
import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence.runs import attachments
from ringfence.settings import Settings
from ringfence.storage import tables


def test_runs_are_listed_newest_first_and_by_status(ringfence: Ringfence, contoso: Contoso) -> None:
    lines = ringfence("run", "list").stdout.splitlines()
    assert lines[0].startswith("id ")
    assert contoso.live_run_id in lines[1]
    assert "waiting" in lines[1]
    assert "policy refused to contain dc-01.contoso.com" in lines[2]
    failed = ringfence.json("run", "list", "--status", "failed", "--status", "cancelled")["items"]
    assert [each["status"] for each in failed] == ["failed"]


def test_the_json_of_a_run_has_its_named_values(ringfence: Ringfence, contoso: Contoso) -> None:
    found = ringfence.json("run", "list", "--limit", "1")
    assert found["next"] == contoso.live_run_id
    assert set(found["items"][0]) == {
        "id", "organization_id", "playbook_id", "playbook_name", "version", "alert_id", "alert_title", "machine_id",
        "machine_name", "status", "error", "requested_at", "started_at", "finished_at", "trigger_kind", "run_as",
        "run_as_kind", "run_via", "run_credential", "rerun_of", "rerun_from", "minutes_saved", "cancel_requested_at",
        "cancel_requested_by", "cancel_reason",
    }  # fmt: skip
    rest = ringfence.json("run", "list", "--cursor", found["next"])
    assert len(rest["items"]) == 2


def test_a_run_reads_from_its_cause_to_its_log(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("run", "show", contoso.live_run_id).stdout
    top, rest = said.split("\nSteps\n")
    head, waits = top.split("\nWhat it waits for\n")
    steps, log = rest.split("\nLog\n")
    assert f"because of  Ransomware behavior detected in the file system ({contoso.alert_id})" in head
    assert " UTC (" in head
    assert [line.split()[0] for line in steps.splitlines()[1:9]] == [
        "facts", "machine", "known", "comment_unknown", "isolate", "comment_contained", "wait", "release",
    ]  # fmt: skip
    assert "isolate            containment.contain    succeeded  success        1" in steps
    assert "38.8 s" in steps
    assert "wait: is looked at again in" in waits
    assert "info     facts: jmespath.query started" in log


def test_errors_of_steps_are_whole_sentences_below_the_table(ringfence: Ringfence, contoso: Contoso) -> None:
    installation = ringfence.open(Settings(data=ringfence.data))
    mine = (tables.step_runs.c.run_id == contoso.run_id) & (tables.step_runs.c.step == "machine")
    statement = sa.update(tables.step_runs).where(mine).values(status="failed", attempt=4, error="No such machine.")
    installation.database.run_now(lambda tx: tx.execute(statement))
    installation.close()
    said = ringfence("run", "show", contoso.run_id).stdout
    assert "What failed\nmachine: No such machine.\n" in said
    assert "failed     success        4" in said


def test_inputs_and_outputs_are_shown_on_demand(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "computerDnsName" not in ringfence("run", "show", contoso.run_id).stdout
    said = ringfence("run", "show", contoso.run_id, "--values").stdout
    assert "Step machine" in said
    assert '"computerDnsName": "fin-ws-014.contoso.com"' in said


def test_as_json_a_run_has_trigger_steps_and_log(ringfence: Ringfence, contoso: Contoso) -> None:
    document = ringfence.json("run", "show", contoso.live_run_id)
    assert document["trigger"]["type"] == "defender.alert"
    assert document["steps"][4]["action"] == "containment.contain"
    assert document["log"][0]["message"] == "jmespath.query started"
    assert document["older_lines"] is False


def test_runs_are_found_by_playbook_version_machine_alert_trigger_and_time(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    def found(*options: str) -> list[str]:
        return [each["status"] for each in ringfence.json("run", "list", *options)["items"]]

    assert found("--playbook", "Contain ransomware", "--version", "1.3", "--since", "30 days ago") == [
        "waiting", "failed", "succeeded",
    ]  # fmt: skip
    assert found("--machine", "dc-01") == ["failed"]
    assert found("--alert", contoso.alert_id) == ["waiting"]
    assert found("--trigger", "manual") == []
    assert found("--until", "2020-01-01") == []
    assert ringfence.error("run", "list", "--since", "soonish")["code"] == "invalid"
    assert ringfence.error("run", "list", "--version", "x")["code"] == "invalid"


def test_a_value_is_printed_whole(ringfence: Ringfence, contoso: Contoso) -> None:
    found = json.loads(ringfence("run", "value", contoso.run_id, "machine").stdout)
    assert found["computerDnsName"] == "fin-ws-014.contoso.com"
    assert "machine" in json.loads(ringfence("run", "value", contoso.run_id, "machine", "input").stdout)
    assert "has no such step" in ringfence("run", "value", contoso.run_id, "machine[3]", status=1).stderr


def test_attempts_are_told_where_there_were_several(ringfence: Ringfence, contoso: Contoso) -> None:
    installation = ringfence.open(Settings(data=ringfence.data))
    mine = (tables.step_runs.c.run_id == contoso.run_id) & (tables.step_runs.c.step == "machine")
    times = {"started_at": "2026-01-31T12:00:00.000Z", "finished_at": "2026-01-31T12:00:04.000Z"}
    attempts = [{"number": number, **times, "error": f"Refused {number}."} for number in (1, 2)]
    values = {"status": "failed", "error": "Refused 2.", "attempts": attempts}
    statement = sa.update(tables.step_runs).where(mine).values(values)
    installation.database.run_now(lambda tx: tx.execute(statement))
    installation.close()
    said = ringfence("run", "show", contoso.run_id).stdout
    assert "  attempt 1 at 12:00:00.000, 4.0 s: Refused 1.\n" in said


@pytest.mark.parametrize(("filters", "said"), [((), "no runs yet"), (("--status", "failed"), "no such runs")])
def test_an_empty_list_says_so_on_stderr(ringfence: Ringfence, filters: tuple[str, ...], said: str) -> None:
    done = ringfence("run", "list", *filters)
    assert done.stdout == ""
    assert said in done.stderr


def test_a_run_that_does_not_exist_and_a_cursor_of_nobody_are_errors(ringfence: Ringfence) -> None:
    assert ringfence.error("run", "show", "nothing")["code"] == "not_found"
    assert ringfence.error("run", "list", "--cursor", "nothing")["code"] == "invalid"


def keep(
    ringfence: Ringfence, contoso: Contoso, content: bytes, *, name: str = "package.zip", step: str = "machine"
) -> str:
    installation = ringfence.open(Settings(data=ringfence.data))
    made = asyncio.run(
        attachments.store(
            installation.database,
            organization_id=contoso.organization_id,
            run_id=contoso.run_id,
            step=step,
            iteration=0,
            name=name,
            content=content,
            media_type="application/zip",
            largest=10_000_000,
        )
    )
    installation.close()
    return made.id


def test_the_files_of_a_run_are_listed(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "No step of this run left a file behind." in ringfence("run", "attachment", contoso.run_id).stderr
    made = keep(ringfence, contoso, b"PK")
    lines = ringfence("run", "attachment", contoso.run_id).stdout.splitlines()
    assert lines[0].split() == ["name", "step", "bytes", "SHA-256"]
    assert lines[1].split()[:3] == ["package.zip", "machine", "2"]
    (item,) = ringfence.json("run", "attachment", contoso.run_id)["items"]
    assert (item["id"], item["media_type"]) == (made, "application/zip")


def test_a_file_of_a_run_is_written_under_its_name_or_the_one_given_and_never_over_another(
    ringfence: Ringfence, contoso: Contoso, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * 5_000
    keep(ringfence, contoso, content)
    monkeypatch.chdir(tmp_path)
    said = ringfence("run", "attachment", contoso.run_id, "package.zip")
    assert said.stdout.startswith("package.zip: 1280000 bytes, SHA-256 ")
    assert (tmp_path / "package.zip").read_bytes() == content
    assert ringfence.error("run", "attachment", contoso.run_id, "package.zip")["code"] == "conflict"
    found = ringfence.json("run", "attachment", contoso.run_id, "package.zip", "-o", "other.zip")
    assert (found["path"], found["size"]) == ("other.zip", len(content))
    assert (tmp_path / "other.zip").read_bytes() == content
    assert ringfence("run", "attachment", contoso.run_id, "package.zip", "-o", "-").stdout_bytes == content


def test_files_of_one_name_are_told_apart_by_their_step(ringfence: Ringfence, contoso: Contoso, tmp_path: Path) -> None:
    keep(ringfence, contoso, b"1")
    keep(ringfence, contoso, b"2", step="isolate")
    error = ringfence.error("run", "attachment", contoso.run_id, "package.zip")
    assert error["advice"] == "Name one of: machine/package.zip, isolate/package.zip."
    path = tmp_path / "x"
    ringfence("run", "attachment", contoso.run_id, "isolate/package.zip", "-o", str(path))
    assert path.read_bytes() == b"2"
    missing = ringfence.error("run", "attachment", contoso.run_id, "none")
    assert (missing["code"], missing["advice"]) == ("not_found", "It has: package.zip, package.zip.")


def test_stdout_holds_a_file_or_a_document(ringfence: Ringfence, contoso: Contoso) -> None:
    ringfence("run", "attachment", contoso.run_id, "x", "-o", "-", "--json", status=2)
