from cli_world import Ringfence
from contoso import Contoso


def test_apps_are_listed_shown_installed_and_uninstalled(ringfence: Ringfence, contoso: Contoso) -> None:
    items = {each["id"]: each for each in ringfence.json("app", "list")["items"]}
    assert (items["defender"]["state"], items["defender"]["category"]) == ("installed", "playbook")
    assert [each["id"] for each in ringfence.json("app", "list", "jmespath")["items"]] == ["jmespath"]
    shown = ringfence("app", "show", "containment").stdout
    assert "First release" in shown
    assert "containment.contain (contain)" in shown
    gone = ringfence.json("app", "uninstall", "containment")
    assert (gone["state"], len(gone["used_by"])) == ("not_installed", 1)
    assert "cannot be published anew" in ringfence("app", "uninstall", "containment").stdout
    assert "not installed" in ringfence("app", "list").stdout
    name = ringfence.json("app", "install", "containment")
    assert name["everybody"] is True
    assert "is installed for all" in ringfence("app", "install", "containment").stdout
    assert "no organization named" in ringfence.error("app", "install", "containment", "--for", "nobody")["message"]
    assert "was not upgraded" in ringfence.error("app", "accept", "containment")["message"]
