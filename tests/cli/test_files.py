import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from ringfence.actions import ActionError
from ringfence.cli.files import Folder, free_path, save
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


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for each in given:
        yield each


async def test_a_folder_takes_each_file_once_under_a_safe_and_free_name(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "dump.zip").write_text("mine")
    folder = Folder(tmp_path / "new", largest=10)
    first = await folder.keep("../../dump.zip", pieces(b"one", b"two"))
    assert first == {
        "name": "dump.zip",
        "path": str(tmp_path / "new" / "dump (2).zip"),
        "size": 6,
        "sha256": hashlib.sha256(b"onetwo").hexdigest(),
    }
    assert await folder.keep("dump.zip", b"again") == first
    assert folder.kept == [first]


async def test_a_folder_is_made_when_the_first_file_comes_and_refuses_what_is_too_large(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "new", largest=10)
    assert not (tmp_path / "new").exists()
    with pytest.raises(ActionError, match="larger than 10 bytes"):
        await folder.keep("dump.zip", pieces(b"x" * 6, b"x" * 6))
    assert list((tmp_path / "new").iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured):
        await Folder(tmp_path / "file", largest=10).keep("dump.zip", b"")
