from collections.abc import Mapping
from datetime import UTC, datetime
from typing import cast

import pytest

from rehearsing import CATALOGUE, small
from ringfence.actions import (
    AlertPort,
    Connector,
    ContainmentPort,
    Context,
    DefenderPort,
    Effect,
    IncidentPort,
    Json,
    TablePort,
)
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import Invalid
from ringfence.playbooks.document import read
from ringfence.rehearsals.describing import Describer
from ringfence.rehearsals.dry_run import dry_run, half_open
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import rehearsed

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class _Port:
    """Answers whatever it is asked, and remembers it."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def read(self, operation: str, /, **arguments: object) -> Json:
        self.asked.append(operation)
        return {"riskScore": "High"}

    async def write(self, operation: str, /, *, key: str, **arguments: object) -> Json:
        self.asked.append(operation)
        return None

    async def get(self, incident: int | None, /) -> dict[str, Json]:
        self.asked.append("get")
        return {"number": 1}


async def _try(piece: Piece, port: _Port | None = None, assumed: Mapping[str, str] | None = None) -> Report:
    port = port or _Port()
    doors = half_open(
        defender=cast(DefenderPort, port),
        incidents=cast(IncidentPort, port),
        tables=cast(TablePort, port),
        alerts=cast(AlertPort, port),
        containment=cast(ContainmentPort, port),
    )
    return await dry_run(piece, rehearsed("Small", {"type": "manual"}, now=NOW), doors, Describer(None), assumed)


async def test_what_reads_is_carried_out_and_what_acts_is_not() -> None:
    port = _Port()
    piece = small(
        f"machine: {{action: defender.get_machine, with: {{machine: {'a' * 40}}}}}\n"
        "incident: {action: incident.get, with: {incident: 1}}\n"
        "tag: {action: defender.add_machine_tag, after: machine, with: {machine: x, tag: y}}\n"
        'tell: {action: notify.send, after: machine, with: {to: soc, text: "${steps.machine.riskScore}"}}\n'
    )
    report = await _try(piece, port)
    assert [each.how for each in report.steps[:2]] == [How.READ, How.READ]
    assert {each.how for each in report.steps[2:]} == {How.DESCRIBED}
    assert report.every("tell")[0].input == {"to": "soc", "text": "High"}
    assert port.asked == ["get_machine", "get"]


async def test_nothing_of_an_action_is_called_that_is_not_surely_a_read() -> None:
    sly = Connector("sly", title="Sly", version="1.0.0", description="Does more than it says.", category="Test")
    called: list[str] = []

    @sly.action(effect=Effect.WRITE)
    async def act(context: Context) -> Json:
        """Act."""
        called.append("act")
        return None

    @sly.action(effect=Effect.READ)
    async def peek(context: Context) -> Json:
        """Say that it reads, and try to write."""
        await context.defender.write("update_alert", key=context.step_key)
        called.append("peek")
        return None

    text = "ringfence: 1\nname: A\ntrigger: {type: manual}\nsteps:\n  a: {action: sly.act}\n  b: {action: sly.peek}\n"
    playbook = read(text).playbook
    assert playbook is not None
    everything = Catalogue([("sly", sly), *((each.id, each) for each in CATALOGUE.connectors.values())])
    port = _Port()
    report = await _try(Piece.of(playbook, everything), port)
    assert (called, port.asked) == ([], [])
    assert [each.how for each in report.steps] == [How.DESCRIBED, How.READ]
    assert "wanted to change something" in report.steps[1].error


async def test_the_outcome_of_a_step_that_is_only_described_can_be_assumed() -> None:
    piece = small(
        "ask: {action: logic.approval, with: {question: Go on?}}\n"
        "no: {action: logic.set, after: ask.rejected, with: {values: {}}}\n"
    )
    assert [each.end for each in (await _try(piece)).steps] == ["approved", "skipped"]
    assert [each.end for each in (await _try(piece, assumed={"ask": "rejected"})).steps] == ["rejected", "success"]
    for wrong in ({"asc": "rejected"}, {"ask": "maybe"}):
        with pytest.raises(Invalid):
            await _try(piece, assumed=wrong)


async def test_a_pinned_step_is_not_carried_out() -> None:
    port = _Port()
    piece = small(f"m: {{action: defender.get_machine, with: {{machine: {'a' * 40}}}, mock: {{output: {{a: 1}}}}}}\n")
    assert (await _try(piece, port)).steps[0].how is How.MOCKED
    assert port.asked == []
