import pytest

from ringfence.services.model import ServiceState, judge
from service_samples import a_service

FACTS = {"enabled": True, "polled": True, "failures": 0, "max_restarts": 3, "poll_error": "", "problems": {}}
NETWORK = {"poll_error": "The network is down."}
MISSED = {"problems": {"b": "Three were missed.", "a": "It jumped."}}


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, (ServiceState.RUNNING, "")),
        ({"polled": False}, (ServiceState.STARTING, "")),
        ({"enabled": False, "failures": 9} | NETWORK | MISSED, (ServiceState.OFF, "")),
        ({"failures": 1} | NETWORK, (ServiceState.DEGRADED, "The network is down.")),
        ({"failures": 3} | NETWORK, (ServiceState.DEGRADED, "The network is down.")),
        ({"failures": 4} | NETWORK, (ServiceState.FAILED, "The network is down.")),
        ({"failures": 1, "max_restarts": 0} | NETWORK, (ServiceState.FAILED, "The network is down.")),
        (MISSED, (ServiceState.DEGRADED, "It jumped. Three were missed.")),
        ({"polled": False} | MISSED, (ServiceState.DEGRADED, "It jumped. Three were missed.")),
    ],
)
def test_the_state_follows_from_the_facts(facts: dict[str, object], expected: tuple[ServiceState, str]) -> None:
    assert judge(**FACTS | facts) == expected  # type: ignore[arg-type]


def test_a_service_knows_its_state_from_a_word() -> None:
    assert a_service(state="degraded").state is ServiceState.DEGRADED
