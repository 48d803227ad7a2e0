import httpx
import pytest

from ringfence.web.rendering import Pages


async def test_a_file_named_with_its_hash_is_kept_for_ever(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get(Pages().asset("css/tokens.css"))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"


async def test_a_file_without_its_hash_is_asked_for_again_and_a_font_after_a_day(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/static/css/tokens.css")).headers["cache-control"] == "no-cache"
    assert (await visitor.get("/static/vendor/inter.woff2")).headers["cache-control"] == "public, max-age=86400"


@pytest.mark.parametrize("path", ["/static/../rendering.py", "/static/%2e%2e/rendering.py", "/static/nothing.css"])
async def test_nothing_but_static_files_is_given(visitor: httpx.AsyncClient, path: str) -> None:
    answer = await visitor.get(path)
    assert answer.status_code in {303, 404}
    assert "class Pages" not in answer.text
