"""Small playbooks for tests of rehearsals, made ready from text."""

from ringfence.actions.catalogue import discover
from ringfence.playbooks.document import read
from ringfence.rehearsals.walk import Piece

CATALOGUE = discover()
CONTAIN = """\
ringfence: 1
name: Contain ransomware
trigger: {type: defender.alert, severity: [High], where: "contains(alert.title, 'ransom')"}
steps:
  machine:
    action: defender.get_machine
    with: {machine: "${trigger.alert.machineId}"}
  risky:
    after: machine
    action: logic.condition
    with: {test: "steps.machine.riskScore == 'High'"}
  ask:
    after: risky.yes
    action: logic.approval
    with: {of: tier-2, question: "Isolate ${steps.machine.computerDnsName}?", timeout: 15 min}
  isolate:
    after: ask.approved
    action: containment.contain
    with: {machine: "${trigger.alert.machineId}", auto_release: 24 h, reason: "${trigger.alert.title}"}
  comment:
    after: [risky.no, ask.rejected]
    join: any
    action: defender.update_alert
    with: {alert: "${trigger.alert.id}", comment: No containment}
"""
ALERT = {"id": "da1", "machineId": "a" * 40, "title": "ransomware seen", "severity": "High"}


def piece(text: str) -> Piece:
    """Make a playbook ready."""
    document = read(text)
    assert document.playbook is not None, document.problems
    return Piece.of(document.playbook, CATALOGUE)


def small(steps: str, extra: str = "") -> Piece:
    """Make a playbook of these steps, started by hand, ready."""
    lines = "".join(f"  {line}\n" for line in steps.strip("\n").splitlines())
    return piece(f"ringfence: 1\nname: Small\ntrigger: {{type: manual}}\n{extra}steps:\n{lines}")
