import json
from typing import Any

import httpx
import pytest

from hostile import HOSTILE, dangers
from response_world import BEACON
from ringfence.responses.kinds import TRAITS, Kind
from ringfence.storage import Database
from webfixtures import csrf


@pytest.fixture
def post(client: httpx.AsyncClient, embedded: Database) -> Any:
    """Give what sends a form of these pages."""

    async def send(path: str, **form: Any) -> httpx.Response:
        if path == "new":
            accounts = (await client.get("/api/v1/accounts")).json()["items"]
            form.setdefault("account", accounts[0]["name"])
        return await client.post(f"/responses/{path}", data={"csrf": csrf(client, embedded), **form})

    return send


async def test_the_form_tells_how_each_kind_is_taken_back_before_anybody_asks_for_it(client: httpx.AsyncClient) -> None:
    answer = await client.get("/responses/new?kind=offboard&target=wks-001")
    page = answer.text
    assert answer.status_code == 200, page[page.index("<main") :][:900]
    assert 'value="offboard" selected' in page
    assert 'value="wks-001"' in page
    for traits in TRAITS.values():
        assert traits.undo.replace("'", "&#39;") in page


async def test_a_response_is_asked_for_shown_and_cancelled(client: httpx.AsyncClient, post: Any) -> None:
    assert "Nothing was done yet" in (await client.get("/responses")).text
    asked = await post("new", kind="restrict_app_execution", target="wks-001", reason="Odd", undo_after="4")
    assert asked.status_code == 303
    address = asked.headers["location"]
    page = (await client.get(address)).text
    assert "Restrict apps: wks-001" in page
    assert TRAITS[Kind.RESTRICT].undo in page
    assert "Cancel it" in page
    listed = (await client.get("/responses?show=live&kind=restrict_app_execution&q=wks")).text
    assert listed.count("<tr id=") == 1
    assert "No response fits" in (await client.get("/responses?kind=offboard")).text
    name = address.removeprefix("/responses/")
    refused = await post(f"{name}/undo", reason=" ")
    assert refused.status_code == 400
    assert "needs a reason" in refused.text
    assert (await post(f"{name}/undo", reason="Clean")).status_code == 303
    assert "Cancelling asked for by" in (await client.get(address)).text


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"kind": "nothing"}, "There is no response"),
        ({"kind": "antivirus_scan", "target": "two words", "scan": "Quick"}, "is not a machine id"),
        ({"kind": "stop_and_quarantine_file", "target": "wks-001", "sha1": "abc"}, "needs the SHA-1"),
        ({"kind": "indicators", "indicators": "{"}, "cannot be read as JSON"),
        ({"kind": "offboard", "target": "wks-001", "undo_after": "9"}, "no such timer"),
    ],
)
async def test_what_cannot_be_asked_for_is_told_and_what_was_written_is_kept(
    post: Any, form: dict[str, str], said: str
) -> None:
    answer = await post("new", **form, reason="Because it is odd")
    assert answer.status_code == 400
    assert said in answer.text
    assert "Because it is odd" in answer.text


async def test_indicators_are_asked_for_as_json(client: httpx.AsyncClient, post: Any) -> None:
    asked = await post("new", kind="indicators", indicators=json.dumps([BEACON]), reason="Beacon")
    assert asked.status_code == 303
    assert "block 203.0.113.7" in (await client.get(asked.headers["location"])).text


async def test_hostile_text_is_shown_as_text(client: httpx.AsyncClient, post: Any) -> None:
    asked = await post("new", kind="antivirus_scan", scan="Full", target="wks-001", reason=HOSTILE)
    for address in (asked.headers["location"], "/responses"):
        assert dangers((await client.get(address)).text) == []


async def test_one_that_is_not_there_is_not_found(client: httpx.AsyncClient, post: Any) -> None:
    assert (await client.get("/responses/nothing")).status_code == 404
    assert (await post("nothing/undo", reason="x")).status_code == 404
