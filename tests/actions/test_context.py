from acting import Scene
from ringfence.actions import ContainmentState, Context


def test_a_scene_of_the_tests_is_a_context() -> None:
    context: Context = Scene({"trigger": {"alert": {"id": "da1"}}})
    assert context.trigger["alert"] == {"id": "da1"}
    assert context.resumed is None


def test_the_state_of_a_containment_is_the_output_of_a_step() -> None:
    state = ContainmentState("c1", "denied", "m1", "ws-1", ("It is a server.",), final=True)
    assert state.to_json() == {
        "id": "c1",
        "state": "denied",
        "machine_id": "m1",
        "machine_name": "ws-1",
        "reasons": ["It is a server."],
        "contained": False,
        "detail": "",
    }
