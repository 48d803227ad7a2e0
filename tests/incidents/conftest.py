"""Incidents on both databases."""

import pytest

from incidents_world import IncidentDesk
from ringfence.storage import Database


@pytest.fixture
def desk(database: Database) -> IncidentDesk:
    """Give an organization with an account and no alerts."""
    return IncidentDesk(database)
