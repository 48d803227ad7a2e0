from functools import partial

import httpx
import pytest

from contoso import Contoso
from ringfence.actions.catalogue import discover
from ringfence.playbooks import library
from ringfence.storage import Database
from webfixtures import csrf

LOOK = "ringfence: 1\nname: Look\ntrigger: {type: manual}\nsteps:\n  one: {action: logic.set, with: {values: {a: 1}}}\n"


@pytest.fixture
def address(embedded: Database, contoso: Contoso) -> str:
    """The page of a playbook with two versions."""
    catalogue = discover()
    for text in (LOOK, LOOK.replace("a: 1", "a: <2>")):
        publish = partial(
            library.publish, organization_id=contoso.organization_id, source=text, by="ada", catalogue=catalogue
        )
        embedded.run_now(publish)
    return f"/playbooks/{embedded.read_now(lambda tx: library.get(tx, contoso.organization_id, 'Look')).id}"


async def _send(client: httpx.AsyncClient, embedded: Database, path: str, **form: str) -> httpx.Response:
    return await client.post(path, data={"csrf": csrf(client, embedded), **form})


async def test_a_version_shows_what_it_changed_and_an_older_one_is_brought_back(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, address: str
) -> None:
    newest = (await client.get(f"{address}/versions/1.1")).text
    assert "with.values.a was 1, is &lt;2&gt;." in newest
    assert "Bring it back" not in newest
    assert "Bring it back" in (await client.get(f"{address}/versions/1.0")).text
    assert (await _send(client, embedded, f"{address}/versions/1.0", note="Better.")).headers["location"] == address
    assert "brought 1.0 back" in (await client.get(address)).text
    again = await _send(client, embedded, f"{address}/versions/1.0")
    assert (again.status_code, "says the same as" in again.text) == (409, True)
    assert (await client.get(f"{address}/versions/7.7")).status_code == 404
    assert (await _send(client, embedded, f"{address}/versions/7.7")).status_code == 404


async def test_the_mode_is_switched_and_a_retired_playbook_leaves_the_list(
    client: httpx.AsyncClient, embedded: Database, address: str
) -> None:
    assert "Version 1.1 starts runs." in (await client.get(address)).text
    for to, words in (("paused", "It starts no runs"), ("retired", "It is out of use"), ("active", "starts runs.")):
        assert (await _send(client, embedded, f"{address}/mode", to=to)).headers["location"] == address
        assert words in (await client.get(address)).text
        assert (address in (await client.get("/playbooks")).text) is (to != "retired")
        assert address in (await client.get(f"/playbooks?state={to}")).text
    assert (await _send(client, embedded, f"{address}/mode", to="gone")).status_code == 400
