import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest

from ringfence.actions import Connector, Context, Effect
from ringfence.actions.catalogue import GROUP, Catalogue, _installed, discover
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
        ((source, connector),) = _installed([_entry(module, monkeypatch, value)])
        assert (source, connector) == (value, module.__dict__["connector"])


def test_a_foreign_module_without_a_connector_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="contoso_actions declares 0 connectors"):
        list(_installed([_entry(ModuleType("contoso_actions"), monkeypatch)]))


def test_a_foreign_package_that_does_not_load_is_named() -> None:
    entry = EntryPoint(name="contoso", value="no_such_module_anywhere", group=GROUP)
    with pytest.raises(Misconfigured, match="'contoso'"):
        list(_installed([entry]))


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
    assert list(connector.actions) == ["fabrikam.count_alerts", "fabrikam.count_machines"]
    assert [action.noun for action in connector.actions.values()] == ["Alerts", "Machines"]
