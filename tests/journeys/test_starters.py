"""Each starter, published as it is and played from what starts it to what Defender's journal says it did."""

from collections.abc import AsyncIterator
from importlib.resources import files
from typing import Any

import pytest

from notification_world import Post, a_channel
from playing import Play, playing
from ringfence.incidents import queue
from ringfence.storage import Database

MALWARE: dict[str, Any] = {"category": "Malware", "title": "'Fabriload' malware was detected"}
RANSOMWARE: dict[str, Any] = {"category": "Ransomware", "title": "Ransomware behavior"}
HOST = "wks-001"


def starter(name: str) -> str:
    return files("ringfence.playbooks").joinpath("starters", f"{name}.yaml").read_text(encoding="utf-8")


@pytest.fixture
async def play(embedded: Database) -> AsyncIterator[Play]:
    async with playing(embedded) as made:
        yield made


def notes(play: Play) -> list[str]:
    """Return the notes of the only incident."""

    def look(tx: Any) -> list[str]:
        (found,) = queue.page(tx, play.world.organization_id).rows
        return [note.text for note in queue.notes_of(tx, found.incident.id)]

    return play.world.database.read_now(look)


async def test_the_first_playbook_picks_facts_out_of_each_alert_and_changes_nothing(play: Play) -> None:
    play.publish(starter("alert-to-jmespath"))
    evidence = [{"entityType": "File", "fileName": "odd.exe"}]
    alert = play.raise_alert(HOST, severity="Low", title="Odd logon", category="SuspiciousActivity", evidence=evidence)
    await play.play(60)
    assert play.steps() == {"facts": "success"}
    found = play.output("facts")
    assert (found["title"], found["files"]) == ("Odd logon", ["odd.exe"])
    assert (play.alert(alert)["status"], play.comments(alert)) == ("New", [])


async def test_ransomware_is_contained_after_a_yes_and_only_then(play: Play) -> None:
    play.publish(starter("contain-ransomware-with-approval"))
    alert = play.raise_alert(HOST, **RANSOMWARE)
    await play.play(60)
    assert play.world.sent("isolate_machine") == []
    play.answer(yes=True)
    await play.play(120)
    assert [entry.machine_id for entry in play.world.sent("isolate_machine")] == [play.world.machine(HOST).id]
    assert play.steps()["investigate"] == "success"
    assert play.comments(alert)[-1].endswith("is contained; Defender confirmed it.")


async def test_without_a_yes_ransomware_is_not_touched_and_the_alert_says_so(play: Play) -> None:
    play.publish(starter("contain-ransomware-with-approval"))
    alert = play.raise_alert(HOST, **RANSOMWARE)
    await play.play(3_600)
    assert play.world.sent("isolate_machine") == []
    assert play.steps()["comment_no"] == "success"
    assert "was not contained" in play.comments(alert)[-1]


async def test_what_is_known_of_the_host_is_written_to_the_alert(play: Play) -> None:
    play.publish(starter("enrich-and-comment"))
    alert = play.raise_alert(HOST, **MALWARE)
    await play.play(60)
    assert set(play.steps().values()) == {"success"}
    (comment,) = play.comments(alert)
    assert comment.startswith(f"Ringfence: {play.world.machine(HOST).record.document['computerDnsName']} (Windows")
    assert "has 1 open alerts" in comment


async def test_what_defender_remediated_is_closed_unless_somebody_took_it(play: Play) -> None:
    play.publish(starter("close-what-defender-remediated"))
    done = {"investigation_state": "SuccessfullyRemediated"} | MALWARE
    closed, going_on = play.raise_alert(HOST, **done), play.raise_alert(HOST, **MALWARE)
    await play.play(60)
    assert play.steps() == {"now": "success", "still": "yes", "close": "success"}
    found = play.alert(closed)
    assert (found["status"], found["classification"], found["determination"]) == ("Resolved", "TruePositive", "Malware")
    assert play.alert(going_on)["status"] == "New"


async def test_a_package_is_collected_once_for_all_suspicions_about_a_machine(play: Play) -> None:
    play.publish(starter("collect-package-on-suspicion"))
    alert = play.raise_alert(HOST, category="SuspiciousActivity", title="Odd logon")
    play.raise_alert(HOST, category="SuspiciousActivity", title="Odd service")
    await play.play(3_600)
    assert [entry.machine_id for entry in play.world.sent("collect_investigation_package")] == [
        play.world.machine(HOST).id
    ]
    assert play.steps()["note_kept"] == "success"
    (note,) = notes(play)
    assert play.output("collect")["file"]["sha256"] in note
    assert play.comments(alert) == ["Ringfence: the investigation package of wks-001 is collected."]


async def test_a_host_is_released_by_itself_once_its_scan_is_clean(play: Play) -> None:
    play.publish(starter("release-after-clean-scan"))
    alert = play.raise_alert(HOST, **MALWARE)
    await play.play(3_600)
    sent = [entry.operation for entry in play.world.simulator.journal.find() if entry.method == "POST"]
    moves = [each for each in sent if each in ("isolate_machine", "run_av_scan", "unisolate_machine")]
    assert moves == ["isolate_machine", "run_av_scan", "unisolate_machine"]
    assert play.comments(alert)[-1].endswith("was scanned and is released; Defender confirmed it.")


async def test_a_host_about_which_more_was_raised_stays_cut_off_until_a_person_says_otherwise(play: Play) -> None:
    play.publish(starter("release-after-clean-scan"))
    play.raise_alert(HOST, **MALWARE)
    await play.play(60)
    play.raise_alert(HOST, title="Another malware was detected", category="Malware")
    await play.play(3_600)
    assert play.world.sent("unisolate_machine") == []
    (asked,) = play.questions()
    assert asked.question.text.startswith("Release wks-001")
    play.answer(yes=True)
    await play.play(120)
    assert len(play.world.sent("unisolate_machine")) == 1


async def test_the_storm_of_one_incident_asks_once_and_isolates_every_machine_once(play: Play) -> None:
    play.publish(starter("isolate-by-incident"))
    hosts = ["wks-001", "wks-002"]
    raised = [play.raise_alert(host, **RANSOMWARE, incident=4711) for host in (*hosts, HOST)]
    await play.play(120)
    (asked,) = play.questions()
    assert asked.question.text.startswith("Isolate 2 machines of incident #1")
    play.answer(yes=True)
    await play.play(300)
    isolated = [entry.machine_id for entry in play.world.sent("isolate_machine")]
    assert sorted(str(each) for each in isolated) == sorted(play.world.machine(host).id for host in hosts)
    assert len(play.runs()) == 1
    assert {play.alert(alert)["status"] for alert in raised} == {"InProgress"}
    (note,) = notes(play)
    assert note.endswith("Not contained: .")


async def test_hosts_that_nobody_comes_back_to_are_reported_every_night(play: Play) -> None:
    channel = a_channel(play.world.database, play.world.organization_id)
    post = Post()
    play.publish(starter("nightly-orphan-report"))
    play.world.portal(HOST, "Isolate")
    play.world.advance(60)
    await play.reconcile()
    await play.play(26 * 3_600)
    await play.play(24 * 3_600)
    await post.delivery(play.world.database).deliver()
    assert channel.name == "soc"
    assert any("wks-001" in text and "no open incident is about it" in text for text in post.texts), post.texts
