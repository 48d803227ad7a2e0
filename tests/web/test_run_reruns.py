import httpx

from contoso import Contoso
from ringfence.storage import Database
from webfixtures import csrf


async def test_the_form_says_what_it_would_do_and_does_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/executions/{contoso.run_id}/rerun"
    assert address in (await client.get(f"/executions/{contoso.run_id}")).text
    page = (await client.get(f"{address}?step=release&newest=false")).text
    assert "would do so once more: release (containment.release)." in page
    assert "is done once more" in page
    form = {"csrf": csrf(client, embedded), "step": "release", "newest": "false"}
    done = await client.post(address, data=form)
    assert done.status_code == 303
    made = (await client.get(done.headers["location"])).text
    assert "from release on" in made
    assert "by page, session " in made


async def test_what_cannot_be_done_is_said_on_the_form(client: httpx.AsyncClient, contoso: Contoso) -> None:
    page = (await client.get(f"/executions/{contoso.live_run_id}/rerun")).text
    assert "The run is still under way." in page
    assert "Run it again</button>" not in page
    assert (
        f"/executions/{contoso.live_run_id}/rerun" not in (await client.get(f"/executions/{contoso.live_run_id}")).text
    )
