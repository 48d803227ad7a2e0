from importlib.resources import files

from ringfence.playbooks.proof import Component, Listed, Subject
from ringfence.proving.proving import prove

HEAD = "ringfence: 1\nkind: playbook\nname: {}\ntrigger: {}\nsteps:\n"
MACHINE = '"${trigger.alert.machineId}"'


def playbook(steps: str, trigger: str = "{type: defender.alert, severity: [High]}", name: str = "One") -> str:
    return HEAD.format(name, trigger) + "".join(f"  {line}\n" for line in steps.splitlines())


async def test_the_starter_lets_go_by_its_own_step() -> None:
    text = files("ringfence.playbooks").joinpath("starters", "contain-ransomware.yaml").read_text(encoding="utf-8")
    proof = await prove(Subject(source=text))
    (step,) = proof.steps
    assert (proof.proven, step.step, step.by, step.scene) == (True, "isolate", "step", "an alert made for its trigger")
    said = [each.what.partition(":")[0] for each in step.seen]
    assert said[-1] == "released"
    assert said.index("contained") < said.index("releasing")


async def test_a_component_lets_go_by_its_timer_though_the_way_there_must_be_held_open_and_nothing_leaves() -> None:
    inner = (
        "ringfence: 1\nkind: component\nname: Cut off\ninputs: {machine: {type: string}}\nsteps:\n"
        '  cut: {action: containment.contain, with: {machine: "${inputs.machine}", reason: y, auto_release: 30 d}}\n'
    )
    text = playbook(
        f"vip: {{action: table.lookup, with: {{table: vips, value: {MACHINE}}}}}\n"
        'risky: {after: vip.not_found, action: logic.condition, with: {test: "`false`"}}\n'
        "ask: {after: risky.yes, action: logic.approval, with: {of: tier-2, question: Isolate?, count: 2}}\n"
        "tell: {after: ask.approved, action: notify.send, with: {to: soc, text: x}}\n"
        "in: {after: tell, action: playbook.call, with: {component: Cut off, version: '1.2', "
        f"inputs: {{machine: {MACHINE}}}}}}}",
        "{type: defender.alert, service: alerts, where: \"contains(alert.title, 'ransom')\"}",
    )
    subject = Subject(
        source=text,
        components=(Component(name="Cut off", version="1.2", source=inner),),
        services={"alerts": "contoso"},
        tables=(Listed(name="vips", kind="text"),),
    )
    proof = await prove(subject)
    (step,) = proof.steps
    assert proof.proven, proof.why
    assert (step.step, step.by) == ("in/cut", "timer")
    assert step.seen[-1].after > 30 * 86_400
    notes = " ".join(step.notes)
    for said in ("risky was made to end in yes", "said yes", "tell (notify.send) was not carried out"):
        assert said in notes


async def test_what_nothing_lets_go_is_not_proven_whatever_starts_it() -> None:
    text = playbook(
        'cut: {action: defender.restrict_code_execution, with: {machine: "${trigger.body.id}", comment: x}}\n',
        "{type: webhook, hook: siem}",
    )
    tests = f"tests:\n  - name: A\n    trigger: {{body: {{id: {'c' * 40}}}}}\n    expect: {{ran: [cut]}}\n"
    proof = await prove(Subject(source=text + tests))
    (step,) = proof.steps
    assert (proof.proven, step.scene) == (False, "its test 'A'")
    assert "never let go" in step.why
    assert "defender.unrestrict_code_execution" in step.advice


async def test_what_cannot_be_played_is_said() -> None:
    assert (await prove(Subject(source="ringfence: 1"))).error.startswith("This release cannot read")
    calls = playbook("in: {action: playbook.call, with: {component: Gone, version: '1.0'}}")
    assert "not published here" in (await prove(Subject(source=calls))).error
    assert (await prove(Subject(source=playbook("a: {action: logic.set, with: {values: {}}}")))).proven
