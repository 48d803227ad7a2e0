from ringfence.actions import Json
from ringfence.actions.fitting import ROOM, fitting
from ringfence.playbooks.bounded import plain


def test_what_fits_is_kept_whole_and_in_order() -> None:
    mixed: list[Json] = [1, "two", {"three": [4]}]
    assert fitting(mixed) == mixed
    assert fitting(range(10), most=3) == [0, 1, 2]
    assert fitting([]) == []


def test_a_long_answer_is_cut_where_a_step_could_not_hold_more() -> None:
    item: Json = {"text": "é" * 1_000}
    kept = fitting([item] * 1_000)
    assert 0 < len(kept) < 1_000
    assert len(kept) * 2_000 < ROOM
    assert plain({"items": kept, "more": True}) == {"items": kept, "more": True}
    assert fitting(["x" * ROOM]) == []
