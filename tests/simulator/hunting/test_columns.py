from ringfence.simulator.hunting.columns import columns, items, number, report_id, text


def test_columns_hold_texts_unless_said_otherwise() -> None:
    assert columns("Timestamp A B ReportId", B="SByte") == (
        ("Timestamp", "DateTime"),
        ("A", "String"),
        ("B", "SByte"),
        ("ReportId", "Int64"),
    )


def test_values_of_any_kind_become_cells() -> None:
    assert [text(value) for value in (None, "a", 1, ["ü", {"b": None}])] == ["", "a", "1", '["ü",{"b":null}]']
    assert [number(value) for value in (5, True, "5", None)] == [5, None, None, None]
    assert items([{"a": 1}, 5, None]) == [{"a": 1}]
    assert items("x") == []


def test_a_report_id_follows_from_what_was_reported() -> None:
    assert report_id("a", 1) == report_id("a", 1) != report_id("a", 2)
