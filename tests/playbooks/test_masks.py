import pytest

from ringfence.playbooks.document import read
from ringfence.playbooks.masks import Masks, Side
from ringfence.security.hiding import HIDDEN, Json

OUTPUT: Json = {
    "user": {"name": "megan", "password": "canary-1"},
    "keys": [{"password": "canary-2", "id": 7}, {"password": None}],
    "code": 123456,
}


def shown(mask: list[str], side: Side = "output", value: Json = OUTPUT) -> tuple[Json, list[str]]:
    return Masks.of(mask).apply(value, side)


def test_a_name_hides_every_field_of_that_name_at_any_depth() -> None:
    found, held = shown(["password"])
    assert found == {
        "user": {"name": "megan", "password": HIDDEN},
        "keys": [{"password": HIDDEN, "id": 7}, {"password": HIDDEN}],
        "code": 123456,
    }
    assert held == ["canary-1", "canary-2"]
    assert shown(["password"], "input")[1] == held


def test_a_path_hides_one_field_of_one_side_and_a_star_stands_for_any_name_or_item() -> None:
    found, held = shown(["output.keys.*.password", "user.name"])
    assert isinstance(found, dict)
    assert found["keys"] == [{"password": HIDDEN, "id": 7}, {"password": HIDDEN}]
    assert found["user"] == {"name": HIDDEN, "password": "canary-1"}
    assert held == ["megan", "canary-2"]
    assert shown(["output.user.name"], "input") == (OUTPUT, [])
    assert shown(["output.keys.1"])[0] == {**OUTPUT, "keys": [OUTPUT["keys"][0], HIDDEN]}  # type: ignore[dict-item, index, call-overload]


def test_a_side_alone_hides_all_of_it_with_its_numbers() -> None:
    found, held = shown(["output"])
    assert found == HIDDEN
    assert held == ["megan", "canary-1", "canary-2", "123456"]
    assert shown(["input"]) == (OUTPUT, [])


def test_without_masks_or_a_value_there_is_nothing_to_hide() -> None:
    assert shown([]) == (OUTPUT, [])
    assert shown(["output"], value=None) == (None, [])


@pytest.mark.parametrize("mask", ["", ".a", "a..b", "x" * 201])
def test_what_cannot_be_a_mask_is_refused_where_it_stands(mask: str) -> None:
    source = (
        f"ringfence: 1\nname: n\ntrigger: {{type: manual}}\nsteps:\n  one: {{action: logic.set, mask: ['{mask}']}}\n"
    )
    found = read(source)
    assert found.playbook is None
    assert any("cannot be hidden" in problem.message and problem.step == "one" for problem in found.problems)
