import httpx
import pytest
from fastapi import FastAPI

from contoso import Contoso
from ringfence.storage import Database
from ringfence.web import Services, create_web
from webfixtures import csrf, open_client


async def test_a_page_that_does_not_exist_says_where_to_go(client: httpx.AsyncClient) -> None:
    answer = await client.get("/no-such-page")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text
    assert "Go to the overview" in answer.text


async def test_an_error_of_ours_shows_its_message_and_advice(client: httpx.AsyncClient) -> None:
    answer = await client.get("/containment/none")
    assert answer.status_code == 404
    assert "There is no such containment." in answer.text
    assert "Look for it on the containment board." in answer.text


async def test_who_sent_a_form_that_is_refused_goes_back_to_where_it_was(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    form = {"csrf": csrf(client, embedded), "id": "none", "do": "change"}
    came = {"Referer": "http://ringfence.test/alerts?severity=High"}
    refused = await client.post("/alerts/selected", data=form, headers=came)
    assert refused.status_code == 400
    assert 'href="/alerts?severity=High"' in refused.text
    assert "Go back" in refused.text
    assert "Go back" not in (await client.get("/no-such-page", headers=came)).text


async def test_input_that_cannot_be_used_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.get("/alerts", params={"q": "x" * 300})
    assert answer.status_code == 400
    assert "q: String should have at most 200 characters" in answer.text
    assert (await client.get("/containment?show=nothing")).status_code == 400
    assert (await client.get("/executions?cursor=made-up")).status_code == 400


async def test_who_is_not_signed_in_comes_back_to_the_page_asked_for(visitor: httpx.AsyncClient) -> None:
    answer = await visitor.get("/alerts?severity=High&q=a+b")
    assert answer.headers["location"] == "/sign-in?next=%2Falerts%3Fseverity%3DHigh%26q%3Da%2Bb"
    assert (await visitor.get("/")).headers["location"] == "/sign-in"


async def test_a_live_page_whose_session_ended_is_led_to_the_sign_in_page(visitor: httpx.AsyncClient) -> None:
    headers = {"HX-Request": "true", "HX-Current-URL": "http://ringfence.test/alerts?q=x"}
    answer = await visitor.get("/alerts", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Falerts%3Fq%3Dx"


async def test_nothing_internal_reaches_a_page(services: Services, caplog: pytest.LogCaptureFixture) -> None:
    # An app of its own: the others are asked by other tests for all their routes.
    app = create_web(services)

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail in /etc/ringfence")

    async with open_client(app) as client:
        answer = await client.get("/broken")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    reference = answer.text.split('data-copy="')[1].split('"')[0]
    assert len(reference) == 36


async def test_a_database_that_is_gone_gives_a_page_too(app: FastAPI, services: Services, contoso: Contoso) -> None:
    services.database.engine.dispose()
    services.database.run_now(lambda tx: tx.connection.exec_driver_sql("ALTER TABLE sessions RENAME TO gone"))
    async with open_client(app) as client:
        client.cookies.set("ringfence", "any")
        answer = await client.get("/alerts")
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert "sqlite" not in answer.text.lower()
