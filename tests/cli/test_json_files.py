from pathlib import Path

import pytest

from ringfence.cli.json_files import read_object
from ringfence.errors import Invalid


def test_an_object_is_read_and_anything_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('{"a": 1}')
    assert read_object(str(path)) == {"a": 1}
    for text, said in (("[1]", "holds no object"), ("{", "is not JSON"), ("[" * 100_000, "is not JSON")):
        path.write_text(text)
        with pytest.raises(Invalid, match=said):
            read_object(str(path))
