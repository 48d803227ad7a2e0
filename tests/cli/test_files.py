from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.cli.files import free_path, save
from ringfence.errors import Conflict, Misconfigured


def test_a_file_is_written_whole_and_for_its_owner_only(tmp_path: Path) -> None:
    path = save(iter([b"one", b"two"]), tmp_path / "dump.zip")
    assert path.read_bytes() == b"onetwo"
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_file_and_no_link_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    for name in ("there", "link"):
        with pytest.raises(Conflict, match="already"):
            save([b"theirs"], tmp_path / name)
    assert (tmp_path / "there").read_text() == "mine"
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("ending", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_what_breaks_off_leaves_nothing(tmp_path: Path, ending: BaseException) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"half"
        raise ending

    expected = Misconfigured if isinstance(ending, OSError) else KeyboardInterrupt
    with pytest.raises(expected):
        save(pieces(), tmp_path / "dump.zip")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["none/dump.zip", "a\x00b"])
def test_a_place_that_cannot_be_written_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    with pytest.raises(Misconfigured, match="cannot be written") as raised:
        save([b""], tmp_path / name)
    assert "-o FILE" in raised.value.advice


def test_a_free_path_has_the_name_or_a_number_before_its_ending(tmp_path: Path) -> None:
    assert free_path(tmp_path, "a.zip") == tmp_path / "a.zip"
    for name in ("a.zip", "a (2).zip", "b", ".c"):
        (tmp_path / name).touch()
    assert free_path(tmp_path, "a.zip") == tmp_path / "a (3).zip"
    assert free_path(tmp_path, "b") == tmp_path / "b (2)"
    assert free_path(tmp_path, ".c") == tmp_path / ".c (2)"
