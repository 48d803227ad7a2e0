import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence.settings import Settings
from ringfence.storage import tables


def _machine(ringfence: Ringfence, name: str = "wks-001") -> str:
    machine = ringfence.tenant.find_machine(name)
    assert machine is not None
    return machine.id


def _asked(ringfence: Ringfence) -> str:
    made = ringfence.json("containment", "contain", _machine(ringfence), "--reason", "test")
    return str(made["id"])


def test_the_list_shows_what_is_not_over_and_on_demand_everything(ringfence: Ringfence, contoso: Contoso) -> None:
    states = {each["state"] for each in ringfence.json("containment", "list")["items"]}
    assert states == {"contained", "pending", "releasing"}
    everything = ringfence.json("containment", "list", "--all")["items"]
    assert {each["state"] for each in everything} == states | {"denied", "withdrawn", "released"}
    lines = ringfence("containment", "list").stdout.splitlines()
    assert lines[0].split()[:3] == ["id", "state", "host"]
    assert any(
        contoso.containment_id in line and "fin-ws-014.contoso.com" in line and "in 23 h" in line for line in lines
    )
    assert len(ringfence.json("containment", "list", "--all", "--text", "dc-01")["items"]) == 1


def test_the_json_of_a_containment_says_what_is_wanted_and_what_is_so(ringfence: Ringfence, contoso: Contoso) -> None:
    by_id = {each["id"]: each for each in ringfence.json("containment", "list")["items"]}
    held = by_id[contoso.containment_id]
    assert (held["desired"], held["observed"], held["live"]) == ("isolated", "isolated", True)
    assert by_id[contoso.pending_id]["observed"] == "unconfirmed"
    assert held["requested_at"].endswith("Z")
    assert {"reason", "requested_by", "machine_id", "auto_release_at", "isolate_action_id"} <= set(held)
    page = ringfence.json("containment", "list", "--limit", "1")
    assert page["next"] == page["items"][0]["id"]
    assert f"--cursor {page['next']}" in ringfence("containment", "list", "--limit", "1").stderr


def test_one_containment_shows_verdict_events_and_holders(ringfence: Ringfence, contoso: Contoso) -> None:
    said = ringfence("containment", "show", contoso.containment_id).stdout
    assert "Defender says    isolated\n" in said
    assert "It allowed the containment." in said
    assert "os_platform" in said
    assert "Workstation, Finance" in said
    events, holders = said.split("\nEvents\n")[1].split("\nHeld by\n")
    assert "requested       Requested by playbook Contain ransomware 1.3: Ransomware behavior" in events
    assert "+38.3 s" in events
    assert "The machine action reached Succeeded: the host is isolated." in events
    assert "Contain ransomware (run " in holders
    document = ringfence.json("containment", "show", contoso.containment_id)
    assert [event["after"] for event in document["events"]][-1] == "contained"
    assert document["verdict"]["allowed"] is True
    assert document["clocks"]["contain"] == 38.9
    assert document["holds"][0]["let_go_at"] is None


def test_a_refusal_shows_its_reasons(ringfence: Ringfence, contoso: Contoso) -> None:
    (denied,) = ringfence.json("containment", "list", "--all", "--text", "dc-01")["items"]
    said = ringfence("containment", "show", denied["id"]).stdout
    assert "It refused the containment.\n  The host has the protected tag “Domain Controller”.\n" in said


def test_hostile_text_is_shown_and_not_obeyed(ringfence: Ringfence, contoso: Contoso) -> None:
    installation = ringfence.open(Settings(data=ringfence.data))
    hostile = "[link=x]\x1b]8;;http://contoso.com\x07y"
    mine = tables.containments.c.id == contoso.containment_id
    statement = sa.update(tables.containments).where(mine).values(machine_name=hostile, reason=hostile)
    installation.database.run_now(lambda tx: tx.execute(statement))
    installation.close()
    for arguments in (("containment", "list"), ("containment", "show", contoso.containment_id)):
        said = ringfence(*arguments).stdout
        assert "[link=x]\\x1b]8;;http://contoso.com\\x07y" in said
        assert "\x1b" not in said


def test_asking_only_writes_a_row_and_says_who_carries_it_out(connected: Ringfence) -> None:
    options = ("--reason", "test", "--auto-release", "24 h", "--type", "selective", "--by", "adele")
    done = connected("containment", "contain", _machine(connected), *options)
    assert "Asked for" in done.stdout
    assert "ringfence worker" in done.stderr
    (asked,) = connected.json("containment", "list")["items"]
    assert asked["id"] in done.stdout
    assert (asked["state"], asked["requested_by"], asked["isolation_type"]) == ("requested", "adele", "Selective")
    assert asked["auto_release_after"] == 86_400.0


def test_a_duration_that_is_none_is_a_mistake_in_the_call(ringfence: Ringfence) -> None:
    done = ringfence("containment", "contain", "wks-001", "--reason", "x", "--auto-release", "soon", status=2)
    assert "--auto-release" in done.stderr
    assert "24 h" in done.stderr


def test_what_cannot_be_contained_is_said_before_anything_is_written(ringfence: Ringfence) -> None:
    error = ringfence.error("containment", "contain", "wks-001", "--reason", "x")
    assert error["advice"] == "Connect one: `ringfence account add`."
    ringfence("account", "add", *ringfence.account_options("contoso"))
    assert "reason" in ringfence.error("containment", "contain", "wks-001", "--reason", " ")["message"]
    ringfence("account", "add", *ringfence.account_options("fabrikam"))
    error = ringfence.error("containment", "contain", "wks-001", "--reason", "x", "--account", "fabrikam")
    assert error["code"] == "not_the_sensor"
    assert "ringfence account sensor fabrikam --replace" in error["advice"]
    assert ringfence.json("containment", "list")["items"] == []
    assert ringfence.json("containment", "contain", "wks-001", "--reason", "x")["account_name"] == "contoso"


def test_waiting_follows_it_until_defender_confirmed(connected: Ringfence) -> None:
    connected.on_pause = lambda seconds: connected.work()
    said = connected("containment", "contain", _machine(connected), "--reason", "test", "--wait").stdout
    assert "  contained  " in said.splitlines()[-2]
    assert said.endswith("is contained.\n")
    (held,) = connected.json("containment", "list")["items"]
    done = connected.json("containment", "release", held["id"], "--reason", "clean", "--wait")
    assert (done["state"], done["observed"]) == ("released", "released")
    assert connected("containment", "list").stdout == ""


def test_waiting_for_what_policy_refuses_ends_with_the_reasons_and_status_1(connected: Ringfence) -> None:
    connected.on_pause = lambda seconds: connected.work()
    arguments = ("containment", "contain", _machine(connected, "dc-01"), "--reason", "test", "--wait")
    done = connected(*arguments, status=1)
    assert "denied" in done.stdout
    assert "the containment is denied." in done.stderr
    assert "ringfence containment show" in done.stderr
    error = connected.error(*arguments)
    assert error["code"] == "not_contained"


def test_waiting_no_longer_than_asked_leaves_it_under_way(connected: Ringfence) -> None:
    options = ("--reason", "test", "--wait", "--timeout", "0 s")
    error = connected.error("containment", "contain", _machine(connected), *options)
    assert error["code"] == "still_under_way"
    assert "goes on without you" in error["advice"]


def test_a_release_is_asked_for_and_what_is_over_is_left_alone(connected: Ringfence) -> None:
    asked = _asked(connected)
    assert "Asked for" in connected("containment", "release", asked, "--reason", "clean").stdout
    connected.work()
    assert "It is over already" in connected("containment", "release", asked, "--reason", "clean").stdout
    assert connected.json("containment", "release", asked, "--reason", "clean")["live"] is False


def test_a_release_needs_a_reason_and_a_containment_of_this_organization(
    connected: Ringfence, contoso: Contoso
) -> None:
    error = connected.error("containment", "release", contoso.containment_id, "--reason", " ")
    assert error["code"] == "invalid"
    connected.options = ("--organization", "default")
    error = connected.error("containment", "release", contoso.containment_id, "--reason", "x")
    assert error["code"] == "not_found"
    assert connected.error("containment", "show", contoso.containment_id)["code"] == "not_found"


def test_an_empty_board_says_so_on_stderr(ringfence: Ringfence) -> None:
    done = ringfence("containment", "list")
    assert done.stdout == ""
    assert "No host is held" in done.stderr
    assert "no such containments" in ringfence("containment", "list", "--all").stderr
    assert ringfence.json("containment", "list") == {"items": [], "next": None, "foreign": []}
