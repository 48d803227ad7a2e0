import httpx


async def test_editors_get_the_schema_of_the_language(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/language/schema")
    assert answer.status_code == 200
    assert answer.json()["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert "with.containment.contain" in answer.json()["$defs"]


async def test_a_visitor_gets_no_schema(visitor: httpx.AsyncClient) -> None:
    assert (await visitor.get("/api/v1/language/schema")).status_code == 401
