"""`ringfence policy show` and `explain`."""

from pathlib import Path

import pytest

from cli_world import Ringfence


@pytest.fixture
def layer(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("mode: tagged\ncontain_tags:\n  - Blue\n")
    return path


def test_each_line_says_where_it_comes_from(ringfence: Ringfence, layer: Path) -> None:
    ringfence("policy", "set", str(layer))
    ringfence("policy", "set", "-", "--scope", "provider", stdin="max_per_hour: 3\nlocked: [max_per_hour]\n")
    ringfence("policy", "set", "-", "--scope", "group:Plant", stdin="max_per_hour: 50\nmode: none\n")
    lines = ringfence("policy", "show").stdout.splitlines()
    assert next(line.split() for line in lines if line.startswith("mode")) == ["mode", "tagged", "organization"]
    assert next(line.split() for line in lines if line.startswith("max_per_hour ")) == ["max_per_hour", "3", "provider"]
    shown = ringfence.json("policy", "show", "--group", "plant")
    by_field = {each["field"]: each for each in shown["lines"]}
    assert by_field["mode"] == {"field": "mode", "value": "none", "origins": ["device group plant"]}
    assert shown["overruled"] == ["device group plant sets max_per_hour, which provider has locked."]
    assert shown["groups"] == ["Plant"]
    assert "In vain: device group Plant" in ringfence("policy", "show", "--group", "Plant").stdout


def test_one_layer_is_shown_as_it_was_written(ringfence: Ringfence, layer: Path) -> None:
    ringfence("policy", "set", str(layer))
    assert ringfence("policy", "show", "--scope", "organization").stdout == 'mode: tagged\ncontain_tags:\n  - "Blue"\n'
    assert ringfence.json("policy", "show", "--scope", "provider")["version"] == 0
    assert "no layer of policy" in ringfence.error("policy", "show", "--scope", "everybody")["message"]


def test_a_host_is_explained_and_nothing_is_asked_for(connected: Ringfence) -> None:
    found = connected.json("policy", "explain", "wks-001")
    assert (found["outcome"], found["needed"], found["facts"]["tags"]) == ("allowed", 0, [])
    connected("policy", "set", "-", stdin="approvals:\n  always: true\n  approvers: [megan]\n")
    said = connected("policy", "explain", "wks-001").stdout
    assert "verdict     ask\n" in said
    assert "Policy asks before every containment." in said
    assert "Asked would be megan; one yes is enough." in said
    assert "os_platform" in said
    by_person = connected.json("policy", "explain", "wks-001", "--as", "person")
    assert by_person["outcome"] == "allowed"
    unsure = connected("policy", "explain", "wks-00").stdout
    assert "not known for certain" in unsure
    assert connected.json("containment", "list", "--all")["items"] == []
    assert "not a machine id" in connected.error("policy", "explain", "a b")["message"]


def test_without_an_account_it_says_so(ringfence: Ringfence) -> None:
    assert "no connected account" in ringfence.error("policy", "explain", "wks-001")["message"]
