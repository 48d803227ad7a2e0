"""The command line on a database of its own."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cli_world import Ringfence
from contoso import Contoso, seed
from databases import Sqlite
from dovecot import dovecot, dovecot_server
from ringfence import clock
from ringfence.settings import Settings
from ringfence.simulator import Simulator

__all__ = ["dovecot", "dovecot_server"]


@pytest.fixture(autouse=True)
def _logging_is_given_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, kept = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**kept)


@pytest.fixture
def ringfence(sqlite: Sqlite, tmp_path: Path) -> Ringfence:
    """The command line with an empty database and a quiet tenant."""
    sqlite.new_url(tmp_path / "data")
    return Ringfence(tmp_path / "data", Simulator.from_scenario("quiet", frozen=True))


@pytest.fixture
def connected(ringfence: Ringfence) -> Ringfence:
    """The same with the quiet tenant connected."""
    ringfence("account", "add", *ringfence.account_options())
    return ringfence


@pytest.fixture
def contoso(ringfence: Ringfence) -> Contoso:
    """Contoso's rows, which the command line then looks at."""
    ringfence.options = ("--organization", "contoso")
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        return installation.database.run_now(lambda tx: seed(tx, now=clock.now()))
    finally:
        installation.close()
