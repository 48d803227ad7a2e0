from cli_world import Ringfence


def test_rules_are_set_by_name_kept_otherwise_and_opened_again(ringfence: Ringfence) -> None:
    for name in ("adele", "megan"):
        ringfence("sign-in-link", "--user", name)
    assert "Nobody else is asked." in ringfence("playbook", "rules", "show").stdout
    ringfence("playbook", "rules", "set", "--publish", "adele, megan", "--second-person", "--by", "adele")
    said = ringfence("playbook", "rules", "set", "--contain", "adele", "--by", "megan").stdout
    assert "May publish steps that contain hosts: adele." in said
    assert "A second person approves each version: adele, megan, but for who asked." in said
    assert ringfence.error("playbook", "rules", "set", "--alone", "--by", "nestor")["code"] == "forbidden"
    ringfence("playbook", "rules", "set", "--publish", "everybody", "--alone", "--by", "adele")
    document = ringfence.json("playbook", "rules", "show")
    assert (document["version"], document["changed_by"]) == (3, "adele")
    assert document["rules"] == {
        "publish": [],
        "write": [],
        "contain": ["adele"],
        "second_person": False,
        "approvers": [],
        "prove": "warn",
    }
