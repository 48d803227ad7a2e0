from cli_world import Ringfence


def test_a_system_is_subscribed_changed_tried_and_removed(ringfence: Ringfence) -> None:
    made = ringfence.json("subscription", "add", "siem", "https://siem.contoso.com/hook", "--event", "containment.*")
    assert made["secret"].startswith("whsec_")
    assert made["subscription"]["events"] == ["containment.*"]
    assert "https" in ringfence("subscription", "add", "plain", "http://siem.contoso.com", status=1).stderr
    changed = ringfence.json("subscription", "change", "siem", "--event", "run.over")["subscription"]
    assert (changed["events"], changed["address"]) == (["run.over"], "https://siem.contoso.com/hook")
    assert ringfence.json("subscription", "pause", "siem")["subscription"]["state"] == "paused"
    assert "is on" in ringfence("subscription", "resume", "siem").stdout
    message = ringfence.json("subscription", "test", "siem")
    listed = ringfence.json("subscription", "messages", "siem")["items"]
    assert [(each["id"], each["state"]) for each in listed] == [(message["id"], "waiting")]
    assert "ringfence.test" in ringfence("subscription", "messages", "siem").stdout
    assert "on its way again" in ringfence("subscription", "redeliver", "siem", message["id"]).stdout
    assert ringfence.json("subscription", "rotate", "siem", "--keep", "0")["subscription"]["secrets"] == 1
    shown = ringfence("subscription", "list").stdout
    assert "siem" in shown
    assert made["secret"] not in shown
    assert "containment.*" in ringfence("subscription", "events").stdout
    assert "removed" in ringfence("subscription", "remove", "siem").stdout
    assert ringfence.json("subscription", "list")["items"] == []
