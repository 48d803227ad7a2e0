import re

import httpx
import pytest

from ringfence.web.rendering import Live, Pages
from ringfence.web.static_files import STATIC


async def test_htmx_is_given_the_live_part_only(client: httpx.AsyncClient) -> None:
    part = (await client.get("/alerts", headers={"HX-Request": "true", "HX-Request-Type": "partial"})).text
    assert part.count("<title>(12) Alerts · Ringfence</title>") == 1
    assert '<div id="live"' in part
    assert '<nav aria-label="Main"' not in part
    whole = (await client.get("/alerts", headers={"HX-Request": "true", "HX-Request-Type": "full"})).text
    assert "<!doctype html>" in whole


async def test_a_page_listens_from_the_number_that_its_content_includes(client: httpx.AsyncClient) -> None:
    page = (await client.get("/alerts")).text
    found = re.search(
        r'hx-sse:connect="/events\?topics=alert,rejected_alert,approval,brake,policy&amp;after=(\d+)"', page
    )
    assert found is not None
    assert int(found[1]) > 0


def test_the_address_of_a_stream_names_topics_and_number() -> None:
    assert Live(("run:1", "containment"), 7).address == "/events?topics=run:1,containment,approval,brake,policy&after=7"


def test_an_asset_is_named_with_its_hash() -> None:
    assert re.fullmatch(r"/static/js/app\.js\?v=[0-9a-f]{10}", Pages().asset("js/app.js"))
    with pytest.raises(KeyError):
        Pages().asset("js/none.js")


async def test_every_asset_of_a_page_is_there(client: httpx.AsyncClient) -> None:
    page = (await client.get("/containment")).text
    for address in set(re.findall(r'"(/static/[^"#]+)', page)):
        assert (await client.get(address)).status_code == 200, address
    first_paint = sum(len((STATIC / part).read_bytes()) for part in ("js/app.js", "vendor/htmx.min.js"))
    assert first_paint < 60_000
