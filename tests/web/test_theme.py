import httpx
import pytest


@pytest.mark.parametrize(("given", "kept"), [("dark", "dark"), ("light", "light"), ("auto", "auto"), ("<x>", "auto")])
async def test_the_theme_is_in_the_first_byte(visitor: httpx.AsyncClient, given: str, kept: str) -> None:
    answer = await visitor.post("/theme", data={"theme": given, "back": "/sign-in"})
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert f'data-theme="{kept}"' in (await visitor.get("/sign-in")).text


async def test_a_cookie_that_somebody_else_wrote_is_not_trusted(visitor: httpx.AsyncClient) -> None:
    visitor.cookies.set("theme", "<script>")
    assert 'data-theme="auto"' in (await visitor.get("/sign-in")).text


async def test_the_way_back_stays_on_this_site(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.post("/theme", data={"theme": "dark", "back": "//evil.test"})
    assert answer.headers["location"] == "/"
