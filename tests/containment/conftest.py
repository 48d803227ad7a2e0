from collections.abc import AsyncIterator, Iterator

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from containment_world import World, a_world
from ringfence.storage import Database


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    """Give what is logged; a test that expects an internal error clears the list, any other fails by it."""
    with capture_logs() as entries:
        yield entries
    assert [entry for entry in entries if entry["log_level"] == "error"] == []


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    """Give a quiet tenant and an organization that contains hosts in it; nothing of it is about storage."""
    async with a_world(embedded) as made:
        yield made
