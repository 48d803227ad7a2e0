"""`ringfence policy freeze|unfreeze|brakes|release-brake`."""

from cli_world import Ringfence


def test_the_kill_switch_stops_containing_and_says_who_and_why(connected: Ringfence) -> None:
    said = connected("policy", "freeze", "--reason", "A playbook went wild", "--by", "megan").stdout
    assert "The kill switch is on" in said
    assert "stopped by megan" in connected("policy", "show").stdout
    machine = connected.tenant.find_machine("wks-001")
    assert machine is not None
    made = connected.json("containment", "contain", machine.id, "--reason", "test")
    connected.work()
    found = connected.json("containment", "show", made["id"])
    assert found["state"] == "denied"
    assert "kill switch is on" in found["detail"]
    off = connected.json("policy", "unfreeze", "--reason", "Mended")
    assert (off["document"], off["stops"]) == ({}, [])
    assert "needs a reason" in connected.error("policy", "freeze", "--reason", " ")["message"]


def test_the_kill_switch_of_all_is_another_one(ringfence: Ringfence) -> None:
    on = ringfence.json("policy", "freeze", "--all", "--reason", "Everything")
    assert on["scope"] == "provider"
    still = ringfence("policy", "unfreeze", "--reason", "Mine").stderr
    assert "still stopped by the kill switch of provider: Kill switch on: Everything" in still
    assert ringfence.json("policy", "unfreeze", "--all", "--reason", "Over")["stops"] == []


def test_a_limit_that_is_reached_is_listed_and_lifted(connected: Ringfence) -> None:
    assert "No limit was ever reached." in connected("policy", "brakes").stderr
    connected("policy", "set", "-", stdin="max_per_hour: 0\n")
    machine = connected.tenant.find_machine("wks-001")
    assert machine is not None
    connected("containment", "contain", machine.id, "--reason", "test")
    connected.work()
    (brake,) = connected.json("policy", "brakes")["items"]
    assert (brake["limit"], brake["refused"], brake["holds"], brake["opens_at"]) == ("hour", 1, True, None)
    assert "brake since" in connected("policy", "show").stdout
    lifted = connected.json("policy", "release-brake", "--for", "30 min", "--more", "2", "--reason", "Real")
    assert (lifted["more"], lifted["left"]) == (2, 2)
    again = connected.json("containment", "contain", machine.id, "--reason", "test")
    connected.work()
    assert connected.json("containment", "show", again["id"])["state"] in ("pending", "contained")
    lines = connected("policy", "brakes").stdout
    assert "lifted the limits for 1 more until" in lines
    assert "no" in lines
    connected("policy", "release-brake", "--for", "soon", "--reason", "Real", status=2)


def test_what_defender_has_dealt_with_is_contained_by_force_only(connected: Ringfence) -> None:
    shown = connected("containment", "contain", "--help").stdout
    assert "--force" in shown
    assert "--alert" in shown
    error = connected.error("containment", "contain", "wks-001", "--alert", "da0", "--reason", "test")
    assert error["code"] == "not_found"
