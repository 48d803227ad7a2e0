"""What every test may use: both databases, and a clock that is given back."""

import atexit
import gc
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


def _folder(variable: str, prefix: str) -> None:
    """Name a folder for this test session in the environment, which the processes of xdist inherit."""
    if variable not in os.environ:
        os.environ[variable] = tempfile.mkdtemp(prefix=prefix)
        atexit.register(shutil.rmtree, os.environ[variable], ignore_errors=True)


# PostgreSQL runs as another user where the tests run as root, and pytest locks its own folders against other users. Its
# wheel keeps a lock in the runtime folder, which a bare machine's environment does not name.
_folder("RINGFENCE_TEST_POSTGRES", "ringfence-postgres-")
_folder("XDG_RUNTIME_DIR", "ringfence-tests-")

import pytest
import sqlalchemy as sa
import structlog
from hypothesis import HealthCheck, settings

from databases import Postgres, Sqlite
from ringfence import clock
from ringfence.storage import Database

# How quickly examples are made says how busy the machine is, not whether they hold. Other examples are made in each run;
# RINGFENCE_TEST_PROPERTIES=1000 looks longer.
settings.register_profile(
    "any speed",
    deadline=None,
    max_examples=int(os.environ.get("RINGFENCE_TEST_PROPERTIES", "40")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any speed")

# Where nothing is configured structlog draws tracebacks with all local variables, which takes seconds for one.
structlog.configure(
    processors=[
        *structlog.get_config()["processors"][:-1],
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


def pytest_collection_finish() -> None:
    """Take what was collected out of garbage collection: thousands of tests were walked again in every full round."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def postgres() -> Postgres:
    """Start, or find, the test session's PostgreSQL server."""
    return Postgres(Path(os.environ["RINGFENCE_TEST_POSTGRES"]) / "data")


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Sqlite:
    """Make the SQLite file that tests copy."""
    return Sqlite(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.URL]:
    """Give the address of an empty database at the newest revision, once for each kind."""
    if request.param == "sqlite":
        files: Sqlite = request.getfixturevalue("sqlite")
        yield files.new_url(tmp_path / "data")
    else:
        server: Postgres = request.getfixturevalue("postgres")
        url = server.lend()
        yield url
        server.take_back(url)


@pytest.fixture
def database(database_url: sa.URL) -> Iterator[Database]:
    """Give an empty database at the newest revision, once for each kind."""
    opened = Database(database_url, threads=4)
    yield opened
    opened.close()


@pytest.fixture
def embedded(sqlite: Sqlite, tmp_path: Path) -> Iterator[Database]:
    """Give an empty SQLite database, for tests that are not about storage."""
    opened = Database(sqlite.new_url(tmp_path / "data"), threads=4)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _the_clock_is_given_back() -> Iterator[None]:
    yield
    clock.replace(None)
