import httpx

from contoso import Contoso
from ringfence.runs import cancelling
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_run_under_way_offers_its_end_and_one_that_is_over_does_not(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    page = (await client.get(f"/executions/{contoso.live_run_id}")).text
    assert "Cancel the run" in page
    assert "Cancel the run" not in (await client.get(f"/executions/{contoso.run_id}")).text
    token = csrf(client, embedded)
    answer = await client.post(
        f"/executions/{contoso.live_run_id}/cancel", data={"csrf": token, "reason": "A false alarm"}
    )
    assert (answer.status_code, answer.headers["location"]) == (303, f"/executions/{contoso.live_run_id}")
    wanted = embedded.read_now(lambda tx: cancelling.of(tx, contoso.live_run_id))
    assert wanted is not None
    assert wanted.reason == "A false alarm"
