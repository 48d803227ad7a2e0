import httpx

import ringfence


async def test_health_needs_no_sign_in_and_says_no_more_than_the_version(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "version": ringfence.__version__}
