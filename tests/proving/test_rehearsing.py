from pathlib import Path

from ringfence.playbooks.checks.base import example
from ringfence.playbooks.playing import Playing
from ringfence.playbooks.proof import Subject
from ringfence.proving.rehearsing import rehearse
from ringfence.proving.stage import prepared

TEXT = example(
    """
look: {action: defender.get_machine, with: {machine: "${trigger.alert.machineId}"}}
cut: {after: look, action: containment.contain, with: {machine: "${steps.look.id}", reason: y, auto_release: 2 h}}
tell: {after: cut, action: notify.send, with: {to: soc, text: x}}
""",
    trigger="{type: defender.alert, severity: [High]}",
)
EVIDENCE = [{"entityType": "File", "fileName": "enc.exe", "unknown": 1}, {"fileName": "none"}, "no"]
ALERT = {
    "title": "Chosen",
    "severity": "High",
    "status": "New",
    "category": "Malware",
    "machineId": "0" * 40,
    "computerDnsName": "fin-ws-014.contoso.com",
    "mitreTechniques": ["T1486"],
    "evidence": EVIDENCE,
}


async def test_a_playbook_is_played_on_a_chosen_alert_and_each_step_says_what_it_was_given_and_gave(
    tmp_path: Path,
) -> None:
    playing = Playing(subject=Subject(source=TEXT), document={"type": "defender.alert", "alert": ALERT})
    played = await rehearse(playing, prepared(tmp_path / "empty"))
    assert (played.fault, played.status) == ("", "succeeded")
    look, cut, tell = played.steps
    assert (look.step, look.status, look.output["computerDnsName"] if isinstance(look.output, dict) else "") == (
        "look",
        "succeeded",
        played.machine,
    )
    # The host of the play stands for the one of the alert.
    assert isinstance(cut.input, dict)
    assert cut.input["machine"] != ALERT["machineId"]
    assert (cut.outcome, tell.outcome) == ("success", "success")
    assert cut.took is not None
    assert any("reaches outside" in each for each in played.notes)
    assert played.lasted >= 7_200


async def test_what_cannot_be_played_is_said(tmp_path: Path) -> None:
    assert (await rehearse(Playing(subject=Subject(source="name: [")), tmp_path)).fault
