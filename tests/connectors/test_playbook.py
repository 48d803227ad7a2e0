import pytest

from ringfence.actions import ActionError
from ringfence.actions.catalogue import discover


async def test_a_component_is_called_in_a_run_and_never_by_hand() -> None:
    action = discover().find("playbook.call")
    assert action is not None
    assert action.outcomes == ("success",)
    with pytest.raises(ActionError, match="in a run only"):
        await action.call(None, {"component": "Look", "version": "1.0"})  # type: ignore[arg-type]


@pytest.mark.parametrize("version", ["1", "newest", "1.0.0", 1.2])
def test_a_version_is_two_numbers_in_quotes(version: str | float) -> None:
    action = discover().find("playbook.call")
    assert action is not None
    assert action.parameters["version"].fault(version)
    assert action.parameters["version"].fault("1.10") is None
