from rehearsing import CATALOGUE, Player, small, walked
from ringfence.playbooks.document import read
from ringfence.playbooks.mocks import Mock
from ringfence.rehearsals.piece import Piece

COMPONENT = """\
ringfence: 1
kind: component
name: Judge
inputs: {machine: {type: string, required: true}}
outputs: {risk: {value: "${steps.look.riskScore}", type: string}}
steps:
  look: {action: defender.get_machine, with: {machine: "${inputs.machine}"}}
"""
CALL = (
    'judge: {action: playbook.call, with: {component: Judge, version: "1.0", inputs: {machine: abc}}}\n'
    'after: {action: logic.set, after: judge, with: {values: {risk: "${steps.judge.risk}"}}}\n'
)


async def test_a_component_is_gone_into_where_it_is_at_hand_and_pinned_as_a_whole_otherwise() -> None:
    component = read(COMPONENT).playbook
    assert component is not None, read(COMPONENT).problems
    caller = small(CALL).playbook
    inside = Piece.of(caller, CATALOGUE, {("Judge", "1.0"): component})
    report = await walked(inside, Player(**{"judge/look": Mock(output={"riskScore": "High"})}))
    assert report.every("after")[0].output == {"risk": "High"}
    assert report.every("judge/look")[0].input == {"machine": "abc"}
    whole = inside.pinned({"judge": Mock(output={"risk": "Low"})})
    report = await walked(whole, Player(**whole.mocks))
    assert [each.step for each in report.steps] == ["judge", "after"]
    assert report.every("after")[0].output == {"risk": "Low"}
