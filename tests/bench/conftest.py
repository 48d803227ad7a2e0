"""Grounds to measure on, without PostgreSQL and with the test session's."""

from pathlib import Path

import pytest

from bench.stage import Ground


@pytest.fixture
def embedded_ground(tmp_path: Path) -> Ground:
    """Give a ground on which only SQLite is measured."""
    return Ground(tmp_path, None)
