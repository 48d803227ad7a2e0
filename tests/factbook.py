"""The facts about Microsoft's APIs that tests compare with: the project's own copy, and examples where they are at hand."""

import functools
import json
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

FACTS = Path(__file__).parent / "facts"
EXAMPLES = Path(__file__).parents[2] / "shared" / "mde" / "examples"


@functools.cache
def facts(name: str) -> Any:
    """Return a part of the fact book: clouds, endpoints or entities."""
    return YAML(typ="safe").load((FACTS / f"{name}.yaml").read_text(encoding="utf-8"))


def operations(api: str | None = None) -> list[dict[str, Any]]:
    """Return the operations of an API (mde, xdr, graph), or of all three."""
    found: list[dict[str, Any]] = facts("endpoints")["operations"]
    return [each for each in found if each["api"] != "entra" and api in (None, each["api"])]


def example_bytes(name: str) -> bytes:
    """Return an example of a reply by the name of its file; the test is skipped where there are no examples."""
    if not EXAMPLES.is_dir():
        pytest.skip("the examples of replies are not part of this project, and not beside it")
    return (EXAMPLES / name).read_bytes()


def example(name: str) -> Any:
    """Return an example of a reply, read; `name` without `.json`."""
    return json.loads(example_bytes(f"{name}.json"))
