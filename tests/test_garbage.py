import gc

from ringfence import garbage


def test_looking_for_garbage_is_put_off_and_is_as_usual_again_without_what_was_made() -> None:
    usual = gc.get_threshold()
    garbage.put_off()
    off = gc.get_threshold()
    garbage.settle()
    assert off[0] > 100 * usual[0]
    assert off[1:] == usual[1:]
    assert gc.get_threshold() == usual
    assert gc.get_freeze_count() > 0


def test_who_leaves_has_nothing_looked_through() -> None:
    kept: list[list[int]] = [[] for _ in range(1000)]
    before = gc.get_freeze_count()
    garbage.leave()
    assert gc.get_freeze_count() >= before + len(kept)
