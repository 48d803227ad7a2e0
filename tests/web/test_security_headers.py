import httpx
import pytest

from ringfence.web.security_headers import POLICY


@pytest.mark.parametrize(
    "path", ["/", "/alerts", "/sign-in", "/healthz", "/no-such-page", "/static/js/app.js", "/api/v1/runs"]
)
async def test_every_answer_carries_the_policy(client: httpx.AsyncClient, path: str) -> None:
    headers = (await client.get(path)).headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    assert "strict-transport-security" not in headers


def test_the_policy_makes_no_exceptions() -> None:
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY
    assert "*" not in POLICY


async def test_pages_are_not_stored_and_static_files_are(client: httpx.AsyncClient) -> None:
    assert (await client.get("/alerts")).headers["cache-control"] == "no-store"
    assert "no-store" not in (await client.get("/static/js/app.js")).headers["cache-control"]


async def test_by_https_browsers_are_told_to_stay_there(client: httpx.AsyncClient) -> None:
    answer = await client.get("https://ringfence.test/healthz")
    assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
