from datetime import timedelta

import pytest

from alert_samples import an_alert
from cli_world import Ringfence
from ringfence import clock
from ringfence.services import records
from ringfence.services.records import Poll
from ringfence.settings import Settings
from ringfence.simulator import portal
from ringfence.simulator.faults import Fault

HOUR = timedelta(hours=1)


@pytest.fixture
def polled(connected: Ringfence) -> Ringfence:
    """A service that says it has polled up to a minute ago, in a tenant with an alert that is three hours old."""
    now = connected.simulator.clock.now()
    clock.replace(lambda: now)
    alert = an_alert("late")
    for name in ("alertCreationTime", "lastUpdateTime"):
        alert[name] = clock.iso(clock.now() - 3 * HOUR)
    portal.raise_verbatim(connected.tenant, alert, now)
    installation = connected.open(Settings(data=connected.data))
    try:
        (service,) = installation.database.read_now(records.switched_on)
        done = Poll(
            polled_at=clock.now(),
            next_poll_at=clock.now() + timedelta(minutes=1),
            watermark=clock.now() - timedelta(minutes=1),
        )
        installation.database.run_now(lambda tx: records.succeeded(tx, service.id, done))
    finally:
        installation.close()
    return connected


def test_sources_that_show_the_same_are_said_to_be_alike(polled: Ringfence) -> None:
    document = polled.json("service", "compare", "contoso")
    assert (document["service"], document["defender"], document["graph"]) == ("contoso", 1, 1)
    assert document["since"] == clock.iso(clock.now() - 24 * HOUR)
    said = polled("service", "compare", "contoso", "--since", "6 hours ago").stdout
    assert "Defender shows 1 alerts, Graph 1" in said


def test_what_only_one_source_shows_is_listed(polled: Ringfence) -> None:
    polled.simulator.faults.add(Fault(path="*alerts_v2*", kind="late_items", seconds=4 * 3600.0, times=None))
    document = polled.json("service", "compare", "contoso")
    assert (document["graph"], document["only_defender_count"]) == (0, 1)
    assert document["only_defender"][0]["alert_id"] == "dalate_1"
    said = polled("service", "compare", "contoso").stdout
    assert "Only Defender shows 1:" in said
    assert "dalate_1" in said


def test_a_time_that_means_nothing_is_refused(polled: Ringfence) -> None:
    assert polled.error("service", "compare", "contoso", "--since", "tomorrow")["code"] == "invalid"
    assert polled.error("service", "compare", "fabrikam")["code"] == "not_found"


def test_a_sweep_by_hand_shows_what_was_missed(polled: Ringfence) -> None:
    assert "No sweep yet" in polled("service", "sweeps", "contoso").stderr
    said = polled("service", "sweeps", "contoso", "--now").stdout
    assert "polls had missed 1 alerts and 0 changes" in said
    assert "Missed: dalate_1 (Alert late)" in said
    (item,) = polled.json("service", "sweeps", "contoso")["items"]
    assert (item["missed_alerts"], item["missed"][0]["alert_id"]) == (1, "dalate_1")
    assert "polls had missed 1 alerts" in polled("service", "show", "contoso").stdout
    assert polled.json("service", "show", "contoso")["completeness"]["missed_alerts"] == 1


def test_a_service_that_has_not_polled_cannot_have_missed_anything(connected: Ringfence) -> None:
    assert connected.error("service", "sweeps", "contoso", "--now")["code"] == "invalid"
