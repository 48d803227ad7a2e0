import re

import httpx
import pytest

from ringfence.storage import Database
from webfixtures import csrf

_OURS = {"Sec-Fetch-Site": "same-origin", "Accept-Encoding": "br, gzip"}


async def test_a_page_that_our_own_pages_or_a_person_ask_for_is_packed(client: httpx.AsyncClient) -> None:
    plain = await client.get("/alerts")
    assert "content-encoding" not in plain.headers
    for site in ("same-origin", "none"):
        packed = await client.get("/alerts", headers=_OURS | {"Sec-Fetch-Site": site})
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) < len(plain.content) / 3
        assert "Accept-Encoding, Sec-Fetch-Site" in packed.headers["vary"]
        assert "<h1>" in packed.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Accept-Encoding": "identity"},
    ],
)
async def test_what_another_site_leads_to_is_not_packed_nor_what_cannot_be_unpacked(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.get("/alerts?q=guess", headers=_OURS | headers)
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers


async def test_what_a_form_answers_is_not_packed(client: httpx.AsyncClient) -> None:
    answer = await client.post("/theme", data={"csrf": "none"}, headers=_OURS)
    assert answer.status_code == 403
    assert len(answer.text) > 1000
    assert "content-encoding" not in answer.headers


async def test_the_form_token_is_written_differently_each_time_and_is_good_each_time(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    plain = csrf(client, embedded)
    texts = [(await client.get("/alerts", headers=_OURS)).text for _ in range(2)]
    written = [re.findall(r'name="csrf" value="(\w+)"', text) for text in texts]
    assert all(plain not in text for text in texts)
    assert written[0][0] != written[1][0]
    for token in (written[0][0], written[1][0]):
        assert (await client.post("/theme", data={"csrf": token, "theme": "dark"})).status_code == 303
    wrong = written[0][0][:64] + written[1][0][64:]
    assert (await client.post("/theme", data={"csrf": wrong, "theme": "dark"})).status_code == 403


async def test_the_same_page_is_not_always_of_one_size(client: httpx.AsyncClient) -> None:
    sizes = {(await client.get("/sign-in/forgotten", headers=_OURS)).headers["content-length"] for _ in range(12)}
    assert len(sizes) > 1
