import hashlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from ringfence.errors import Misconfigured
from ringfence.security.breached import Breached


def _hash(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def _file(path: Path, passwords: Sequence[str]) -> Path:
    path.write_text("".join(f"{each}:{number + 1}\r\n" for number, each in enumerate(sorted(map(_hash, passwords)))))
    return path


def test_a_common_password_is_known_however_it_is_written() -> None:
    known = Breached()
    assert known.holds("password123")
    assert known.holds("PassWord123")
    assert not known.holds("four unrelated words")


@pytest.mark.parametrize("count", [1, 2, 3, 50, 1000])
def test_each_line_of_a_sorted_file_is_found(tmp_path: Path, count: int) -> None:
    passwords = [f"lost password number {number}" for number in range(count)]
    known = Breached(_file(tmp_path / "hashes.txt", passwords))
    assert all(known.holds(each) for each in passwords)
    assert not any(known.holds(f"{each}!") for each in passwords)


def test_a_folder_of_ranges_is_read_by_the_first_five_digits(tmp_path: Path) -> None:
    found, bare = _hash("a lost password"), _hash("another lost password")
    (tmp_path / f"{found[:5]}.txt").write_text(f"{'0' * 35}:1\n{found[5:]}:7\n")
    (tmp_path / bare[:5]).write_text(f"{bare[5:].lower()}:7\n")
    known = Breached(tmp_path)
    assert known.holds("a lost password")
    assert known.holds("another lost password")
    assert not known.holds("not a lost password")


def test_what_cannot_be_searched_is_refused_at_once(tmp_path: Path) -> None:
    unordered = tmp_path / "unordered.txt"
    unordered.write_text("".join(f"{_hash(str(number))}:1\n" for number in range(100)))
    plain = tmp_path / "plain.txt"
    plain.write_text("hunter2\nletmein\n")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, why in (
        (unordered, "order"),
        (plain, "SHA-1"),
        (empty, "empty"),
        (tmp_path / "missing", "No such file"),
    ):
        with pytest.raises(Misconfigured, match=why) as refused:
            Breached(path)
        assert "RINGFENCE_BREACHED_PASSWORDS" in refused.value.advice


def test_a_file_that_goes_away_is_no_reason_to_let_a_password_pass(tmp_path: Path) -> None:
    path = _file(tmp_path / "hashes.txt", ["a lost password"])
    known = Breached(path)
    path.unlink()
    with pytest.raises(Misconfigured):
        known.holds("four unrelated words")
