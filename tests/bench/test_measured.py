import pytest

from bench.measured import measure, peak_memory
from bench.stage import Ground


def test_the_peak_of_memory_does_not_fall() -> None:
    before = peak_memory()
    held = bytearray(20 * 2**20)
    for at in range(0, len(held), 4096):
        held[at] = 1
    assert peak_memory() >= before > 0


def test_a_measured_process_that_fails_is_an_error_here(
    embedded_ground: Ground, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(RuntimeError, match="ended with status 1"):
        measure("no_such_benchmark", embedded_ground.place("SQLite"))
    assert "no_such_benchmark" in capfd.readouterr().err
