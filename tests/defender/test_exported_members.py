import types

import ringfence.defender
from ringfence.defender import errors, wire
from ringfence.defender.documents import exposure, graph, incidents, threats


def test_all_is_exactly_the_public_names() -> None:
    submodules = {name for name, value in vars(ringfence.defender).items() if isinstance(value, types.ModuleType)}
    submodules -= {"clouds", "odata"}
    public = {name for name in vars(ringfence.defender) if not name.startswith("_")} - submodules
    assert sorted(ringfence.defender.__all__) == sorted(public)


def test_each_error_and_each_document_is_exported() -> None:
    for module in (errors, wire, exposure, graph, incidents, threats):
        own = {
            name
            for name, value in vars(module).items()
            if isinstance(value, type) and value.__module__ == module.__name__ and not name.startswith("_")
        }
        assert own - {"Details"} <= set(ringfence.defender.__all__)


def test_the_library_knows_nothing_of_the_product() -> None:
    modules = [value for value in vars(ringfence.defender).values() if isinstance(value, types.ModuleType)]
    assert modules
    for module in modules:
        for value in vars(module).values():
            home = getattr(value, "__module__", None) or getattr(value, "__name__", "")
            if isinstance(home, str) and home.startswith("ringfence."):
                assert home.startswith("ringfence.defender") or home == "ringfence.clock", (module, value)
