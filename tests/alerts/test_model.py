from ringfence import clock
from ringfence.alerts.model import AlertVersion, RejectedAlert


def test_versions_and_rejected_alerts_are_values() -> None:
    now = clock.now()
    assert AlertVersion("a", 1, "f", now, {"id": "da1_1"}) == AlertVersion("a", 1, "f", now, {"id": "da1_1"})
    assert RejectedAlert("r", "account", "No id.", "{}", now) != RejectedAlert("r", "account", "No id.", "[]", now)
