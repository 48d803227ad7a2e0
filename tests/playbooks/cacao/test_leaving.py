import re
import uuid

from ringfence.playbooks.cacao.leaving import AUTHOR, EXTENSION, LeftOut, made_id


def test_identifiers_are_the_same_for_the_same_parts_and_have_the_form_of_uuid4() -> None:
    assert made_id("action", "a", "b") == made_id("action", "a", "b")
    assert len({made_id("action", "a", "b"), made_id("action", "ab"), made_id("end", "a", "b")}) == 3
    for each in (made_id("action", "\ud800"), EXTENSION, AUTHOR):
        kind, _, rest = each.partition("--")
        assert re.fullmatch(r"[a-z][a-z-]+", kind)
        assert uuid.UUID(rest).version == 4


def test_what_is_left_out_is_told_with_its_place() -> None:
    assert LeftOut("/a", "Because.").to_json() == {"place": "/a", "reason": "Because."}
