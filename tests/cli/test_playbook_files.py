from pathlib import Path

import pytest

from ringfence.cli.playbook_files import LARGEST, demand, found, read
from ringfence.errors import Invalid
from ringfence.playbooks.problems import Problem


def test_folders_are_looked_through_by_name_and_files_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in ("b.yaml", "sub/a.yml", "readme.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    named = [str(Path(each).relative_to(tmp_path)) for each in found([str(tmp_path), str(tmp_path / "readme.md")])]
    assert named == ["b.yaml", "sub/a.yml", "readme.md"]
    assert list(found(["-", "none.yaml"])) == ["-", "none.yaml"]


def test_what_cannot_be_read_is_a_problem_with_its_place(tmp_path: Path) -> None:
    latin, huge = tmp_path / "latin.yaml", tmp_path / "huge.yaml"
    latin.write_bytes(b"a\n\xfc")
    with huge.open("wb") as file:
        file.truncate(LARGEST + 1)
    for path, line in ((str(latin), 2), (str(huge), 1), (str(tmp_path / "none"), 1)):
        problem = read(path)
        assert isinstance(problem, Problem)
        assert (problem.code, problem.line) == ("unreadable-file", line)
        with pytest.raises(Invalid, match="cannot be read"):
            demand(path)


def test_a_file_is_read_as_utf_8_with_or_without_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes("\ufeffä".encode())
    assert read(str(path)) == demand(str(path)) == "ä"
