import csv
import io
from datetime import UTC, datetime

import pytest

from ringfence.errors import Invalid
from ringfence.tables import sheet
from ringfence.tables.model import Entry, NewEntry

NOON = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def test_a_table_comes_back_as_it_was_written() -> None:
    kept = [
        Entry("1", "=cmd|' /C calc'!A0", 'a, "b"\nc', {"owner": "@ines"}, NOON, NOON, "ines"),
        Entry("2", "'-1", "", {}, None, NOON, "ines"),
    ]
    text = sheet.write(kept)
    assert all(not cell.startswith(("=", "+", "-", "@")) for row in csv.reader(io.StringIO(text)) for cell in row)
    assert sheet.read(text.encode()) == [
        NewEntry("=cmd|' /C calc'!A0", 'a, "b"\nc', NOON, {"owner": "@ines"}),
        NewEntry("'-1", "", None, {}),
    ]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", []),
        (b"\xef\xbb\xbfValue;Note\r\n\r\nines;x\r\n", [NewEntry("ines", "x")]),
        (b"bob\ncarol\n", [NewEntry("bob"), NewEntry("carol")]),
        (b"value,expires_at\na,2026-12-31\n", [NewEntry("a", expires_at=datetime(2026, 12, 31, tzinfo=UTC))]),
        (b"value,owner\na,\n", [NewEntry("a")]),
    ],
)
def test_what_spreadsheets_save_is_read(content: bytes, found: list[NewEntry]) -> None:
    assert sheet.read(content) == found


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xff\xfe", "not UTF-8"),
        (b"name,note\na,b\n", "no column `value`"),
        (b"value\na,b\n", "Line 2 has more cells"),
        (b"value,expires_at\na,soon\n", "Line 2: 'soon'"),
        (b'value\n"a', "not CSV"),
        (b"value," + b",".join(b"c%d" % n for n in range(30)) + b"\n" + b",".join([b"x"] * 31), "more than 20"),
        (b"x" * (sheet.MOST_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_table_is_refused_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(Invalid, match=said):
        sheet.read(content)
