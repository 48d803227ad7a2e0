from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.components import compile_whole
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Playbook
from ringfence.proving.scenes import scenes, way_to

ID, NAME = "b" * 40, "wks-001"
STEPS = """\
machine: {action: defender.get_machine, with: {machine: "${trigger.alert.machineId}"}}
risky: {after: machine, action: logic.condition, with: {test: "`true`"}}
ask: {after: risky.yes, action: logic.approval, with: {question: x}}
cut: {after: ask.approved, action: containment.contain, with: {machine: x, reason: y}}
no: {after: [risky.no, ask.rejected], join: any, action: logic.set, with: {values: {}}}"""


def playbook(steps: str = STEPS, trigger: str = "{type: manual}", more: str = "") -> Playbook:
    found = read(example(steps, trigger=trigger) + more).playbook
    assert found is not None
    return found


def test_an_alert_is_made_so_that_the_trigger_starts() -> None:
    trigger = (
        "{type: defender.alert, severity: [Low, Medium], category: Malware, where: \"contains(alert.title, 'loader')\"}"
    )
    (scene,) = scenes(playbook(trigger=trigger), ID, NAME)
    assert scene.alert is not None
    assert (scene.alert["severity"], scene.alert["category"], scene.alert["status"]) == ("Low", "Malware", "New")
    assert "loader" in scene.alert["title"]


def test_a_start_by_hand_names_the_machine_where_something_is_asked_for() -> None:
    (scene,) = scenes(
        playbook(trigger="{type: manual, on: [machine], inputs: {host: {}, why: {default: drill}}}"), ID, NAME
    )
    assert scene.alert is None
    assert scene.trigger == {"machine_id": ID, "input": {"host": NAME, "why": "drill"}}


def test_the_tests_of_a_playbook_are_scenes_in_which_its_machines_stand_for_the_one_that_is_played_with() -> None:
    more = (
        "tests:\n  - name: A\n    trigger: {alert: {title: T, machineId: anything, severity: Low}, "
        "body: {id: '0123456789012345678901234567890123456789'}}\n"
        "    mocks: {machine: {output: {computerDnsName: ws-9}}}\n    expect: {ran: [cut]}\n"
    )
    _, scene = scenes(playbook(trigger="{type: defender.alert}", more=more), ID, NAME)
    assert scene.name == "its test 'A'"
    assert scene.alert is not None
    assert (scene.alert["title"], scene.alert["severity"]) == ("T", "Low")
    assert scene.trigger == {"body": {"id": ID}}
    assert scene.mocks["machine"].output == {"computerDnsName": NAME}


def test_the_way_to_a_step_is_held_open_by_the_outcomes_that_lead_there() -> None:
    plan = compile_whole(playbook(), discover(), {})
    assert way_to(plan, "cut") == {"ask": "approved", "risky": "yes"}
    assert way_to(plan, "no") == {"risky": "no"}
    (scene,) = scenes(playbook(), ID, NAME)
    opened = scene.held_open(plan, "cut")
    assert opened is not None
    assert opened.forced == {"ask": "approved", "risky": "yes"}
    assert opened.held_open(plan, "cut") is None
    assert scene.held_open(plan, "machine") is None
