"""Find the connectors that are installed, and answer for the actions that they declare.

Connectors are the modules of `ringfence.connectors` and whatever other packages register under the entry-point group
`ringfence.connectors`; each entry point names a module (or the `Connector` in it). Where the module is a package, its
modules are loaded too: they share the `Connector` in its `__init__` and add their actions to it.

A package that cannot be used is left out, with the reason, and stops nothing else. Two connectors with one id are one too
many, because a playbook must mean the same thing wherever it runs: ours stays, of two others neither does.
"""

import importlib
import pkgutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Final

from ringfence.actions.base import Action, Connector
from ringfence.actions.polling import ServiceType
from ringfence.errors import Misconfigured

GROUP: Final = "ringfence.connectors"
_LONGEST: Final = 300


@dataclass(frozen=True, slots=True)
class Package:
    """Where a connector comes from: the module, and the package that registers it, where that is not ours."""

    module: str
    name: str = ""
    version: str = ""
    author: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A package that registers a connector which cannot be used, and why."""

    entry: str
    package: Package
    reason: str


class Catalogue:
    """The actions that exist in this installation, and the types of trigger services that packages bring, by id.

    `broken` are the packages that bring none.
    """

    def __init__(self, connectors: Iterable[tuple[str | Package, Connector]], broken: Iterable[Broken] = ()) -> None:
        """Take connectors with where each comes from; Misconfigured if two clash."""
        self.connectors: Final[dict[str, Connector]] = {}
        self.packages: Final[dict[str, Package]] = {}
        self.broken: Final = tuple(broken)
        self._actions: Final[dict[str, Action]] = {}
        self.services: Final[dict[str, ServiceType]] = {}
        for source, connector in connectors:
            package = Package(source) if isinstance(source, str) else source
            if connector.id in self.connectors:
                raise Misconfigured(
                    f"The connector {connector.id!r} comes from both {self.packages[connector.id].module} "
                    f"and {package.module}.",
                    advice="Uninstall one of the two packages.",
                )
            self.connectors[connector.id] = connector
            self.packages[connector.id] = package
            self._actions.update(connector.actions)
            self.services.update(connector.services)

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
    """Load every connector; of foreign packages those that can be used, the others with the reason."""
    return _discover(tuple(sys.path))


@cache
def _discover(_where: tuple[str, ...]) -> Catalogue:
    # Pages and API ask twenty times while they start, and each time every package would be read that lies on the path.
    return gather(entry_points(group=GROUP))


def gather(entries: Iterable[EntryPoint]) -> Catalogue:
    """Load our connectors, and those that these entry points name."""
    own = list(_own())
    foreign: list[tuple[EntryPoint, Connector]] = []
    broken: list[Broken] = []
    for entry, found in _installed(entries):
        if isinstance(found, Broken):
            broken.append(found)
        else:
            foreign.append((entry, found))
    taken = {connector.id for _, connector in own}
    counted = Counter(connector.id for _, connector in foreign)
    kept: list[tuple[Package, Connector]] = []
    for entry, connector in foreign:
        package = _package(entry)
        if connector.id in taken:
            broken.append(Broken(entry.name, package, f"Ringfence itself has a connector named {connector.id!r}."))
        elif counted[connector.id] > 1:
            several = f"Several packages bring a connector named {connector.id!r}: uninstall all of them but one."
            broken.append(Broken(entry.name, package, several))
        else:
            kept.append((package, connector))
    return Catalogue((*own, *kept), broken)


def _own() -> Iterator[tuple[str, Connector]]:
    package = importlib.import_module(GROUP)
    for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda module: module.name):
        name = f"{GROUP}.{found.name}"
        yield name, _connector(name, importlib.import_module(name))


def _installed(found: Iterable[EntryPoint]) -> Iterator[tuple[EntryPoint, Connector | Broken]]:
    for entry in sorted(found, key=lambda entry: (entry.name, entry.value)):
        try:
            yield entry, _connector(entry.value, entry.load())
        except Misconfigured as error:
            yield entry, Broken(entry.name, _package(entry), str(error))
        except (Exception, SystemExit) as error:
            # A foreign package may fail in any way, and says what it likes: of that, one line.
            said = " ".join("".join(each if each.isprintable() else " " for each in str(error)).split())[:_LONGEST]
            yield entry, Broken(entry.name, _package(entry), f"It cannot be loaded: {type(error).__name__}: {said}")


def _package(entry: EntryPoint) -> Package:
    if entry.dist is None:
        return Package(entry.value)
    about = entry.dist.metadata
    named = [about[field] for field in ("Author", "Author-email", "Maintainer") if field in about]
    author = next((each for each in named if each), "")
    return Package(entry.value, entry.dist.name, entry.dist.version, author)


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
