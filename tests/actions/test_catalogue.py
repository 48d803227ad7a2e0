import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from ringfence.actions import Connector, Context, Effect
from ringfence.actions.catalogue import GROUP, Broken, Catalogue, _installed, discover, gather
from ringfence.errors import Misconfigured


def _connector(name: str) -> Connector:
    connector = Connector(name, title=name, version="1.0.0", description="Example.", category="Test")

    @connector.action(effect=Effect.PURE)
    async def rest(context: Context) -> None:
        """Do nothing."""

    return connector


def test_the_connectors_of_the_package_are_found() -> None:
    catalogue = discover()
    assert set(catalogue.connectors) >= {"containment", "defender", "jmespath", "logic"}
    assert {"logic.condition", "logic.set", "containment.contain", "defender.get_machine"} <= set(catalogue.ids())


def test_actions_are_found_by_id_and_listed_in_order() -> None:
    catalogue = Catalogue([("b", _connector("fabrikam")), ("a", _connector("contoso"))])
    assert catalogue.ids() == ("contoso.rest", "fabrikam.rest")
    assert [action.id for action in catalogue.actions()] == ["contoso.rest", "fabrikam.rest"]
    assert catalogue.find("contoso.rest") is catalogue.actions()[0]
    assert catalogue.find("contoso.work") is None


def test_two_connectors_with_one_id_are_an_error_that_names_both() -> None:
    with pytest.raises(Misconfigured, match="both first and second"):
        Catalogue([("first", _connector("contoso")), ("second", _connector("contoso"))])


def _entry(module: ModuleType, monkeypatch: pytest.MonkeyPatch, value: str = "contoso_actions") -> EntryPoint:
    monkeypatch.setitem(sys.modules, "contoso_actions", module)
    return EntryPoint(name="contoso", value=value, group=GROUP)


def test_a_foreign_package_can_name_its_module_or_its_connector(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("contoso_actions")
    module.__dict__["connector"] = _connector("contoso")
    for value in ("contoso_actions", "contoso_actions:connector"):
        ((entry, connector),) = _installed([_entry(module, monkeypatch, value)])
        assert (entry.value, connector) == (value, module.__dict__["connector"])


def test_a_foreign_package_that_cannot_be_used_is_named_with_the_reason_and_stops_nothing_else(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "fabrikam_exits.py").write_text("raise SystemExit('\\x1b[2J gone')\n", "utf-8")
    (tmp_path / "fabrikam_fails.py").write_text("1 / 0\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    good = ModuleType("contoso_good")
    good.__dict__["connector"] = _connector("contoso")
    entries = [_entry(ModuleType("contoso_actions"), monkeypatch)]
    entries += [EntryPoint(name=name, value=name, group=GROUP) for name in ("fabrikam_exits", "fabrikam_fails", "none")]
    monkeypatch.setitem(sys.modules, "contoso_good", good)
    found = {
        entry.value: each
        for entry, each in _installed([*entries, EntryPoint(name="good", value="contoso_good", group=GROUP)])
    }
    assert found.pop("contoso_good") is good.__dict__["connector"]
    reasons = {name: each.reason for name, each in found.items() if isinstance(each, Broken)}
    assert "declares 0 connectors" in reasons["contoso_actions"]
    assert reasons["fabrikam_exits"] == "It cannot be loaded: SystemExit: [2J gone"
    assert "ZeroDivisionError" in reasons["fabrikam_fails"]
    assert "ModuleNotFoundError" in reasons["none"]


def test_of_connectors_with_one_id_ours_stays_and_of_two_others_neither_does(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = []
    for name, taken in (("one", "logic"), ("two", "fabrikam"), ("three", "fabrikam"), ("four", "contoso")):
        module = ModuleType(f"foreign_{name}")
        module.__dict__["connector"] = _connector(taken)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        entries.append(EntryPoint(name=name, value=module.__name__, group=GROUP))
    found = gather(entries)
    assert found.packages["logic"].module == "ringfence.connectors.logic"
    assert "fabrikam" not in found.connectors
    assert found.packages["contoso"].module == "foreign_four"
    assert [(each.entry, each.reason.partition(":")[0]) for each in found.broken] == [
        ("one", "Ringfence itself has a connector named 'logic'."),
        ("three", "Several packages bring a connector named 'fabrikam'"),
        ("two", "Several packages bring a connector named 'fabrikam'"),
    ]


def test_a_package_is_one_connector_to_which_its_modules_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "fabrikam"
    package.mkdir()
    about = 'id="fabrikam", title="Fabrikam", version="1.0.0", description="Example.", category="Test"'
    (package / "__init__.py").write_text(
        f"from ringfence.actions import Connector\n\nconnector = Connector({about})\n", "utf-8"
    )
    for noun in ("alerts", "machines"):
        (package / f"{noun}.py").write_text(
            "from fabrikam import connector\nfrom ringfence.actions import Context, Effect\n\n\n"
            f"@connector.action(effect=Effect.PURE)\nasync def count_{noun}(context: Context) -> None:\n"
            '    """Count."""\n',
            "utf-8",
        )
    (package / "inputs.py").write_text("LIMIT = 100\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    ((_, connector),) = _installed([EntryPoint(name="fabrikam", value="fabrikam", group=GROUP)])
    assert isinstance(connector, Connector)
    assert list(connector.actions) == ["fabrikam.count_alerts", "fabrikam.count_machines"]
    assert [action.noun for action in connector.actions.values()] == ["Alerts", "Machines"]
