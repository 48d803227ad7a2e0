from cli_world import Ringfence
from contoso import Contoso


def test_a_run_under_way_is_asked_to_end(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("run", "cancel", contoso.live_run_id, "--reason", "A false alarm").stdout
    assert "a running worker ends it" in said
    assert ringfence.json("run", "cancel", contoso.live_run_id) == {
        "run_id": contoso.live_run_id,
        "status": "waiting",
    }


def test_a_run_that_is_over_is_not(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("run", "cancel", contoso.run_id, status=1).stderr
    assert "ended already" in said
