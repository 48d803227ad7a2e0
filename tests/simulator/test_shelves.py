from ringfence.simulator.shelves import Shelf


def _shelf() -> tuple[Shelf, list[tuple[str, str]]]:
    touched: list[tuple[str, str]] = []
    return Shelf("indicator", lambda kind, key: touched.append((kind, key))), touched


def test_items_keep_their_order_and_their_moments() -> None:
    shelf, _ = _shelf()
    shelf.put("2", {"creationTimeDateTimeUtc": "1970-01-01T00:00:01Z", "expirationTime": None})
    shelf.put("1", {})
    assert [item.record.key for item in shelf] == ["2", "1"]
    first = shelf.get("2")
    assert first is not None
    assert first.record.ticks == {"creationTimeDateTimeUtc": 10_000_000, "expirationTime": 0}
    first.document["expirationTime"] = "1970-01-01T00:00:02Z"
    shelf.changed(first)
    assert first.record.ticks["expirationTime"] == 20_000_000


def test_every_change_is_told_and_what_is_gone_has_no_row() -> None:
    shelf, touched = _shelf()
    item = shelf.put("1", {"a": 1}, {"secret": True})
    assert shelf.row("1") == {"id": "1", "document": {"a": 1}, "hidden": {"secret": True}, "place": 1}
    assert shelf.drop("1") is item
    assert shelf.drop("1") is None
    assert shelf.row("1") is None
    assert len(shelf) == 0
    assert touched == [("indicator", "1")] * 2
