import re
import uuid

from ringfence.simulator import ids


def test_identities_follow_from_their_parts() -> None:
    assert ids.guid("a", 1) == ids.guid("a", 1)
    assert len({ids.guid("a", 1), ids.guid("a", 2), ids.guid("a1"), ids.guid("b", 1)}) == 4


def test_identities_have_the_real_shapes() -> None:
    assert str(uuid.UUID(ids.guid("x"))) == ids.guid("x")
    assert re.fullmatch(r"[0-9a-f]{40}", ids.hex40("x"))
    assert re.fullmatch(r"[0-9a-f]{64}", ids.hex64("x"))
    assert re.fullmatch(r"[A-Za-z0-9_]{3}8Q~[A-Za-z0-9_]{34}", ids.secret("x"))


def test_numbers_stay_in_their_bounds() -> None:
    assert {ids.number(-2, 2, "n", place) for place in range(100)} == {-2, -1, 0, 1, 2}
