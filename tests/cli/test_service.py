import pytest

from cli_world import Ringfence
from foreign import SOURCE, tickets
from ringfence.organizations import service as organizations
from ringfence.settings import Settings

__all__ = ["tickets"]


def connected(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())


def test_a_connected_account_brings_a_service_that_can_be_shown(ringfence: Ringfence) -> None:
    assert "ringfence account add" in ringfence("service", "list").stderr
    connected(ringfence)
    (listed,) = ringfence.json("service", "list")["items"]
    assert (listed["name"], listed["state"], listed["source"], listed["account"]) == (
        "contoso",
        "starting",
        "defender",
        "contoso",
    )
    assert (listed["interval"], listed["interval_seconds"], listed["history"]) == ("1 min", 60.0, "1 day ago")
    assert ringfence.json("service", "show", "contoso")["id"] == listed["id"]
    assert "contoso" in ringfence("service", "list").stdout
    said = ringfence("service", "show", "contoso").stdout
    assert "every 1 min; 0 so far" in said
    assert f"1 day ago ({listed['history_start'][:10]}" in said


def test_a_service_is_made_changed_paused_resumed_and_removed(ringfence: Ringfence) -> None:
    connected(ringfence)
    said = ringfence("service", "add", "night", "--interval", "adaptive", "--source", "graph").stdout
    assert said == "night follows contoso; its first poll comes in a moment.\n"
    made = ringfence.json("service", "add", "day", "--interval", "5", "--history", "30 days ago", "--no-updates")
    assert (made["interval"], made["history"], made["updates"]) == ("5 min", "30 days ago", False)
    said = ringfence("service", "add", "quick", "--at-once", "--account", "contoso").stdout
    assert "its first poll comes at once." in said
    changed = ringfence.json("service", "edit", "day", "--name", "week", "--interval", "90 s", "--max-restarts", "5")
    assert (changed["name"], changed["interval"], changed["max_restarts"]) == ("week", "90 s", 5)
    assert "every 2 min" in ringfence("service", "edit", "week", "--interval", "2 min").stdout
    assert ringfence("service", "pause", "week").stdout == "week is off.\n"
    assert ringfence.json("service", "show", "week")["state"] == "off"
    assert ringfence.json("service", "resume", "week")["state"] == "starting"
    assert ringfence("service", "remove", "week").stdout == "week is removed.\n"
    assert ringfence.json("service", "remove", "night")["name"] == "night"
    assert [each["name"] for each in ringfence.json("service", "list")["items"]] == ["contoso", "quick"]


def test_what_cannot_be_meant_is_refused_with_what_to_write(ringfence: Ringfence) -> None:
    connected(ringfence)
    assert "in the future" in ringfence.error("service", "edit", "contoso", "--history", "in 3 days")["message"]
    assert "adaptive" in ringfence.error("service", "edit", "contoso", "--interval", "often")["advice"]
    assert ringfence.error("service", "edit", "contoso")["code"] == "invalid"
    assert "There are: contoso." in ringfence.error("service", "pause", "fabrikam")["advice"]


def test_trying_a_service_asks_its_source_once(ringfence: Ringfence) -> None:
    connected(ringfence)
    done = ringfence.json("service", "test", "contoso")
    assert (done["ok"], done["advice"]) == (True, "")
    assert "Reading Defender for Endpoint alerts works" in ringfence("service", "test", "contoso").stdout


def test_a_tenant_that_two_accounts_read_is_warned_of(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options("a"))
    assert "b and a read the same tenant" in ringfence("account", "add", *ringfence.account_options("b")).stdout
    made = ringfence.json("service", "add", "third", "--account", "b")
    assert ["`ringfence service pause a`" in each for each in made["warnings"]] == [True]
    ringfence("service", "pause", "a")
    assert ringfence.json("service", "add", "fourth", "--account", "b")["warnings"] == []


def test_a_service_names_its_pool_who_hears_of_its_failure_and_who_else_may_listen(ringfence: Ringfence) -> None:
    connected(ringfence)
    with ringfence.open(Settings(data=ringfence.data)).database.transaction() as tx:
        other = organizations.create(tx, "fabrikam")
    ringfence.options = ("--organization", "default")
    wanted = ("--pool", "europe", "--notify", "duty@contoso.com", "--share", "fabrikam")
    made = ringfence.json("service", "edit", "contoso", *wanted)
    assert (made["pool"], made["notify_to"], made["shared_with"]) == ("europe", ["duty@contoso.com"], [other.id])
    assert made["app"] == "defender_service"
    assert "No living worker serves the pool europe" in made["unserved"]
    assert "No living worker serves the pool europe" in ringfence("service", "list").stdout
    none = ringfence.json("service", "edit", "contoso", "--notify", "none", "--share", "all")
    assert (none["notify_to"], none["everybody"], none["shared_with"]) == ([], True, [])
    ringfence("app", "uninstall", "graph_service")
    refused = ringfence.error("service", "add", "more", "--source", "graph", "--account", "contoso")
    assert "is not installed for this organization" in refused["message"]


@pytest.mark.usefixtures("tickets")
def test_a_service_of_a_package_is_made_with_its_parameters_and_changed_one_by_one(ringfence: Ringfence) -> None:
    said = ringfence("app", "show", SOURCE).stdout
    assert "Parameter queue: Which queue is read." in said
    added = ("service", "add", "desk", "--source", SOURCE, "--set", "account=desk")
    assert "not installed" in ringfence.error(*added)["message"]
    ringfence("app", "install", SOURCE)
    assert "queue: Field required" in ringfence.error(*added)["message"]
    made = ringfence.json(*added, "--set", "queue=soc", "--set", "closed=true")
    assert made["parameters"] == {"account": "desk", "queue": "soc", "least": "low", "closed": True}
    assert (made["app"], made["account"]) == (SOURCE, "")
    changed = ringfence.json("service", "edit", "desk", "--set", "closed=false")
    assert changed["parameters"] == {"account": "desk", "queue": "soc", "least": "low", "closed": False}
    assert "Parameters:" in ringfence("service", "show", "desk").stdout
    assert "NAME=VALUE" in ringfence.error("service", "edit", "desk", "--set", "closed")["advice"]
    assert "There is no HTTP account named" in ringfence("service", "test", "desk", status=1).stdout
    assert "reads no alerts" in ringfence.error("service", "compare", "desk")["message"]
