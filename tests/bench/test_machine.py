import platform
import sqlite3

from bench import machine


def test_the_machine_and_its_software_are_named() -> None:
    here = machine.describe(postgresql="18.1")
    assert here.processor
    assert here.cores >= 1
    assert here.memory_gib > 0
    for named in (platform.python_version(), sqlite3.sqlite_version, "PostgreSQL 18.1", "dbos", here.processor):
        assert named in here.sentence
    assert here.document["cores"] == here.cores
