"""Find the connectors that are installed, and answer for the actions that they declare.

Connectors are the modules of `ringfence.connectors` and whatever other packages register under the entry-point group
`ringfence.connectors`; each entry point names a module (or the `Connector` in it). Where the module is a package, its
modules are loaded too: they share the `Connector` in its `__init__` and add their actions to it. Two connectors with one
id are an error that names both, because a playbook must mean the same thing wherever it runs.
"""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final

from ringfence.actions.base import Action, Connector
from ringfence.errors import Misconfigured

GROUP: Final = "ringfence.connectors"


class Catalogue:
    """The actions that exist in this installation."""

    def __init__(self, connectors: Iterable[tuple[str, Connector]]) -> None:
        """Take connectors with the name of where each comes from; Misconfigured if two clash."""
        self.connectors: Final[dict[str, Connector]] = {}
        self._actions: Final[dict[str, Action]] = {}
        sources: dict[str, str] = {}
        for source, connector in connectors:
            if connector.id in self.connectors:
                raise Misconfigured(
                    f"The connector {connector.id!r} comes from both {sources[connector.id]} and {source}.",
                    advice="Uninstall one of the two packages.",
                )
            self.connectors[connector.id] = connector
            sources[connector.id] = source
            self._actions.update(connector.actions)

    def find(self, action_id: str) -> Action | None:
        """Give the action with this id, or None."""
        return self._actions.get(action_id)

    def ids(self) -> tuple[str, ...]:
        """List the ids of all actions in order."""
        return tuple(sorted(self._actions))

    def actions(self) -> tuple[Action, ...]:
        """List all actions in the order of their ids."""
        return tuple(self._actions[action_id] for action_id in self.ids())


def discover() -> Catalogue:
    """Load every installed connector; Misconfigured, naming it, if one cannot be used."""
    return Catalogue((*_own(), *_installed(entry_points(group=GROUP))))


def _own() -> Iterator[tuple[str, Connector]]:
    package = importlib.import_module(GROUP)
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        name = f"{GROUP}.{found.name}"
        yield name, _connector(name, importlib.import_module(name))


def _installed(found: Iterable[EntryPoint]) -> Iterator[tuple[str, Connector]]:
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        try:
            loaded = entry.load()
        except Exception as error:
            # A foreign package may fail in any way; what matters is to say which one it was.
            raise Misconfigured(
                f"The connector {entry.name!r} ({entry.value}) cannot be loaded: {type(error).__name__}.",
                advice="Repair or uninstall the package that registers it.",
            ) from error
        yield entry.value, _connector(entry.value, loaded)


def _connector(source: str, loaded: object) -> Connector:
    parts = [*_modules(loaded)] if isinstance(loaded, ModuleType) else []
    candidates = [one for part in parts for one in vars(part).values()] if parts else [loaded]
    connectors = {id(one): one for one in candidates if isinstance(one, Connector)}
    if len(connectors) != 1:
        raise Misconfigured(
            f"{source} declares {len(connectors)} connectors instead of one.",
            advice="A connector is one file, or one package, with one `connector = Connector(…)`.",
        )
    return next(iter(connectors.values()))


def _modules(module: ModuleType) -> Iterator[ModuleType]:
    yield module
    for found in sorted(pkgutil.iter_modules(getattr(module, "__path__", [])), key=lambda each: each.name):
        yield from _modules(importlib.import_module(f"{module.__name__}.{found.name}"))
