import pytest

from response_world import HOST, Responses
from ringfence.errors import Invalid
from ringfence.responses import service
from ringfence.responses.kinds import Kind
from ringfence.responses.model import State


async def test_a_key_asks_once(desk: Responses) -> None:
    first = desk.request(Kind.SCAN, key="k")
    assert desk.request(Kind.SCAN, key="k").id == first.id


@pytest.mark.parametrize(
    "options", [{"target": "a b"}, {"reason": " "}, {"deadline": 0.0}, {"undo_after": 60.0}, {"parameters": {"x": 1}}]
)
async def test_what_cannot_be_meant_is_refused(desk: Responses, options: dict[str, object]) -> None:
    values = {"target": HOST} | options
    with pytest.raises(Invalid):
        desk.request(Kind.SCAN, **values)  # type: ignore[arg-type]


async def test_what_is_done_and_has_no_undo_says_so(desk: Responses) -> None:
    asked = await desk.settle(desk.request(Kind.QUARANTINE), State.DONE)
    with pytest.raises(service.NoUndo, match="No undo"):
        desk.undo(asked)
