import base64
import os
import shlex
import sys
from pathlib import Path

import pytest

from ringfence.errors import Conflict, Misconfigured
from ringfence.security import masters
from ringfence.security.masters import KEY_BYTES, KEY_FILE, Masters
from ringfence.settings import Settings

FIRST, SECOND = bytes(range(KEY_BYTES)), bytes(KEY_BYTES)
TEXTS = [base64.b64encode(each).decode() for each in (FIRST, SECOND)]


def write(folder: Path, *lines: str, mode: int = 0o600) -> Path:
    path = folder / KEY_FILE
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(mode)
    return path


def printing(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def test_a_new_folder_gets_a_key_that_only_its_owner_can_read(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    found = Masters(masters.key_file(folder / KEY_FILE))
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in folder.iterdir()] == [KEY_FILE]
    assert Masters(masters.key_file(folder / KEY_FILE)).ids == found.ids


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o660, 0o602])
def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path, TEXTS[0], mode=mode)
    with pytest.raises(Misconfigured, match="chmod 600"):
        Masters(masters.key_file(path))


@pytest.mark.parametrize(
    ("content", "said"),
    [("", "it is empty"), ("!!!", "not base64"), (base64.b64encode(b"short").decode(), "5 bytes instead of 32")],
)
def test_what_holds_no_key_is_refused_wherever_it_comes_from(tmp_path: Path, content: str, said: str) -> None:
    path = write(tmp_path, content)
    sources = [masters.key_file(path), masters.variable(content), masters.command(printing(f"print({content!r})"))]
    for source in sources:
        with pytest.raises(Misconfigured, match=said) as caught:
            Masters(source)
        assert caught.value.advice
        assert not content or content not in str(caught.value)


def test_a_key_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(Misconfigured, match="16 bytes instead of 32"):
        masters.given(b"0123456789abcdef")


def test_a_folder_that_cannot_be_used_is_explained(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the folder should be")
    with pytest.raises(Misconfigured, match="cannot be read or made"):
        Masters(masters.key_file(tmp_path / "data" / KEY_FILE))


def test_the_settings_name_one_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ids(**given: object) -> tuple[str, ...]:
        return Masters(masters.of(Settings.model_validate({"data": tmp_path, **given}))).ids

    file = write(tmp_path, *TEXTS)
    expected = tuple(map(masters.key_id, (FIRST, SECOND)))
    assert ids() == expected
    assert ids(master_key=",".join(TEXTS)) == expected
    assert ids(master_key_command=printing(f"print({' '.join(TEXTS)!r})")) == expected
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert ids(master_key_file=file.rename(elsewhere / "key")) == expected
    with pytest.raises(Misconfigured, match="several places: RINGFENCE_MASTER_KEY, RINGFENCE_MASTER_KEY_FILE"):
        ids(master_key=TEXTS[0], master_key_file=file)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (printing(f"print({TEXTS[0]!r}); raise SystemExit(3)"), "status 3"),
        ("/nonexistent/helper", "cannot be run"),
        ("'", "cannot be run"),
    ],
)
def test_a_command_that_fails_is_told_without_what_it_printed(line: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as caught:
        Masters(masters.command(line))
    assert TEXTS[0] not in str(caught.value)


def test_a_key_is_added_at_the_end_and_taken_away_with_nothing_left_beside_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, TEXTS[0])
    found = Masters(masters.key_file(path))
    with found.changing():
        added = found.add()
    assert list(found.ids) == [masters.key_id(FIRST), added]
    assert path.stat().st_mode & 0o777 == 0o600
    with found.changing():
        found.remove(masters.key_id(FIRST))
    assert list(found.ids) == [added]
    assert sorted(each.name for each in tmp_path.iterdir()) == [KEY_FILE, f"{KEY_FILE}.lock"]


def test_only_one_changes_the_file_at_a_time(tmp_path: Path) -> None:
    path = write(tmp_path, TEXTS[0])
    first, second = (Masters(masters.key_file(path)) for _ in range(2))
    with first.changing():
        meanwhile = second.changing()
        with pytest.raises(Conflict, match="changing the master keys"):
            meanwhile.__enter__()


def test_a_key_that_was_added_by_another_process_is_found(tmp_path: Path) -> None:
    path = write(tmp_path, TEXTS[0])
    found = Masters(masters.key_file(path))
    draft = tmp_path / "draft"
    draft.write_text("\n".join(TEXTS))
    draft.chmod(0o600)
    os.replace(draft, path)
    assert found.get(masters.key_id(SECOND)) == SECOND
    assert found.newest == masters.key_id(SECOND)
    assert found.get("00000000") is None


def test_a_file_that_is_gone_leaves_what_is_in_memory(tmp_path: Path) -> None:
    path = write(tmp_path, TEXTS[0])
    found = Masters(masters.key_file(path))
    path.unlink()
    assert found.get(found.newest) == FIRST


def test_a_new_key_is_a_key() -> None:
    assert len(Masters(masters.variable(masters.generate())).ids) == 1
