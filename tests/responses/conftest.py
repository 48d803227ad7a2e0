from collections.abc import AsyncIterator

import pytest

from response_world import Responses, responding
from ringfence.storage import Database


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Responses]:
    """Give a tenant and an organization that responds in it, on each database."""
    async with responding(database) as made:
        yield made
