import httpx

from hostile import HOSTILE, dangers
from ringfence.storage import Database
from webfixtures import csrf, form_fields


async def test_a_table_is_made_filled_searched_exported_and_removed(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    assert "There is no table yet" in (await client.get("/tables")).text
    token = {"csrf": csrf(client, embedded)}
    made = await client.post("/tables", data=token | {"name": "vips", "kind": "text", "description": "Who matters"})
    assert made.status_code == 303
    here = made.headers["location"]
    assert "It is empty" in (await client.get(here)).text
    put = await client.post(f"{here}/put", data=token | {"value": "Ines", "note": "CEO", "expires": "7 d"})
    assert (put.status_code, put.headers["location"]) == (303, here)
    page = (await client.get(here, params={"q": "ceo"})).text
    assert "Ines" in page
    assert "until" in page
    assert "Nothing fits" in (await client.get(here, params={"q": "nobody"})).text
    opened = token | {"replace": "true"} | form_fields(page, "seen")
    assert (await client.post(f"{here}/import", data=token | {"csv": "value\nbob\n"})).status_code == 303
    export = await client.get(f"{here}/csv")
    assert export.headers["content-disposition"].startswith("attachment")
    assert "bob" in export.text
    late = await client.post(f"{here}/import", data=opened | {"csv": "value\ncarol\n"})
    assert late.status_code == 412
    for words in (
        "Somebody has changed it",
        "What you typed is kept",
        "value\ncarol\n</textarea>",
        'value="true" checked',
    ):
        assert words in late.text, words
    again = opened | form_fields(late.text, "seen")
    replaced = await client.post(f"{here}/import", data=again | {"csv": "value\ncarol\n"})
    assert replaced.status_code == 303
    await client.post(f"{here}/take-out", data=token | {"value": "carol"})
    assert "It is empty" in (await client.get(here)).text
    assert (await client.post(f"{here}/remove", data=token)).status_code == 303
    assert (await client.get(here)).status_code == 404


async def test_what_cannot_be_meant_is_told_with_what_was_entered(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    token = {"csrf": csrf(client, embedded)}
    wrong = await client.post("/tables", data=token | {"name": "x", "kind": "regex", "description": "kept"})
    assert wrong.status_code == 400
    assert 'value="kept"' in wrong.text
    here = (await client.post("/tables", data=token | {"name": "x"})).headers["location"]
    wrong = await client.post(f"{here}/put", data=token | {"value": "v-kept", "expires": "soon"})
    assert wrong.status_code == 400
    assert 'value="v-kept"' in wrong.text
    assert "not a moment to come" in wrong.text
    assert (await client.post(f"{here}/import", data=token | {"csv": "name,note\na,b"})).status_code == 400


async def test_hostile_words_are_text(client: httpx.AsyncClient, embedded: Database) -> None:
    token = {"csrf": csrf(client, embedded)}
    here = (await client.post("/tables", data=token | {"name": "x"})).headers["location"]
    for number, words in enumerate(HOSTILE):
        await client.post(f"{here}/put", data=token | {"value": f"v{number}", "note": words[:900]})
        await client.post(f"{here}/put", data=token | {"value": words[:400], "note": words[:900], "expires": words})
    assert dangers((await client.get(here)).text) == []
