from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.model import Effect, Playbook
from ringfence.playbooks.proof import Proof, StepProof, cutting, holds


def playbook(steps: str, name: str = "One") -> Playbook:
    found = read(example(steps, name=name)).playbook
    assert found is not None
    return found


def test_only_what_cuts_hosts_off_has_something_to_prove_also_through_components() -> None:
    catalogue = discover()
    cuts = playbook("cut: {action: containment.contain, with: {machine: x, reason: y}}", "Inner")
    calls = playbook("in: {action: playbook.call, with: {component: Inner, version: '1.0'}}")
    for one, components, expected in (
        (cuts, {}, True),
        (calls, {("Inner", "1.0"): cuts}, True),
        (calls, {}, False),
        (playbook("go: {action: containment.release, with: {machine: x, reason: y}}"), {}, False),
        (playbook("no: {action: defender.restrict_code_execution, with: {machine: x, comment: y}}"), {}, True),
        (playbook("look: {action: defender.get_machine, with: {machine: x}}"), {}, False),
    ):
        assert holds(one, components, catalogue) is expected, one.name


def test_letting_go_is_told_from_cutting_off_by_what_the_action_offers() -> None:
    given = {
        "a": (Effect.CONTAIN, ("machine", "auto_release")),
        "b": (Effect.CONTAIN, ("machine",)),
        "c": (Effect.WRITE, ("lift_after",)),
    }
    assert list(cutting(given)) == ["a"]


def test_a_proof_is_as_good_as_its_weakest_step_and_says_which_that_is() -> None:
    good = StepProof(step="a", action="containment.contain", proven=True, scene="one")
    bad = StepProof(step="b", action="containment.contain", proven=False, scene="one", why="Never let go.")
    assert Proof(steps=(good,)).proven
    assert Proof().proven
    assert (Proof(steps=(good, bad)).proven, Proof(steps=(good, bad)).why) == (False, "b: Never let go.")
    assert (Proof(error="Broken.").proven, Proof(error="Broken.").why) == (False, "Broken.")
