from cli_world import Ringfence
from contoso import Contoso
from drill_cli import prepare


def test_a_device_of_the_tenant_is_allowed_listed_and_removed(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())
    host = ringfence.tenant.machines
    name = next(iter(host.values())).name
    made = ringfence.json("drill", "device", "add", name, "--by", "ines")
    assert (made["name"], made["added_by"]) == (name, "ines")
    assert "Drills are allowed" in ringfence("drill", "device", "add", name).stdout
    assert name in ringfence("drill", "device", "list").stdout
    assert "No device bears" in ringfence("drill", "device", "add", "tst-999", status=1).stderr
    assert "any more" in ringfence("drill", "device", "remove", name).stdout
    assert "drill device add" in ringfence("drill", "device", "list").stderr


def test_devices_are_json(ringfence: Ringfence, contoso: Contoso) -> None:
    prepare(ringfence, contoso, free=True)
    assert ringfence.json("drill", "device", "list")["items"][0]["name"] == "tst-001.contoso.com"
    assert ringfence.json("drill", "device", "remove", "tst-001")["name"] == "tst-001.contoso.com"
