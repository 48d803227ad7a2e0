"""Small playbooks for tests of rehearsals, made ready from text."""

from datetime import UTC, datetime
from typing import Any

from ringfence.actions import ActionError
from ringfence.actions.catalogue import discover
from ringfence.playbooks.document import read
from ringfence.playbooks.mocks import Mock
from ringfence.playbooks.model import Effect
from ringfence.rehearsals.performing import Ended, Turn, carry_out, pinned
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import rehearsed
from ringfence.rehearsals.walk import walk

NOW = datetime(2026, 1, 1, 8, tzinfo=UTC)

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


class Player:
    """Carries out what computes, and describes the rest."""

    def __init__(self, **mocks: Mock) -> None:
        self._mocks = mocks
        self.turns: list[Turn] = []

    async def perform(self, turn: Turn) -> Ended:
        self.turns.append(turn)
        if (mock := self._mocks.get(turn.planned.name)) is not None:
            return await pinned(turn, mock)
        if turn.action.effect is Effect.PURE:
            return await carry_out(turn, How.COMPUTED)
        return Ended(How.DESCRIBED, turn.action.outcomes[0])


async def walked(piece: Piece, player: Player | None = None) -> Report:
    """Walk a piece."""
    return await walk(piece, rehearsed(piece.plan.name, {"type": "manual"}, now=NOW), player or Player())


class Flaky:
    """A door to Defender behind which a call fails so often, then succeeds."""

    def __init__(self, failures: int, retry_after: float | None = None) -> None:
        self.left = failures
        self._retry_after = retry_after

    async def read(self, operation: str, /, **arguments: object) -> Any:
        self.left -= 1
        if self.left >= 0:
            raise ActionError("Defender is busy.", code="busy", permanent=False, retry_after=self._retry_after)
        return {"id": "a"}


class Reader(Player):
    """Carries out what only reads, too."""

    async def perform(self, turn: Turn) -> Ended:
        return await carry_out(turn, How.READ)
