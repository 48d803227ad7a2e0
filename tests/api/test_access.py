import httpx
import pytest
from fastapi import FastAPI

from ringfence.api import create_api
from ringfence.web import Services


@pytest.mark.parametrize("path", ["/alerts", "/alerts/1", "/runs", "/containments", "/accounts", "/playbooks"])
async def test_nobody_sees_anything_without_a_session(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(f"/api/v1{path}")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_signed_in"
    assert "/sign-in" in answer.json()["advice"]


async def test_without_the_pages_sessions_the_api_stays_shut(services: Services) -> None:
    api: FastAPI = create_api(services)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api), base_url="http://ringfence.test") as client:
        assert (await client.get("/runs")).status_code == 401
