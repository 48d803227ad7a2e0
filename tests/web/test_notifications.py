import re

import httpx

from contoso import Contoso
from hostile import HOSTILE, dangers
from notification_world import VAULT, a_channel, web_server
from ringfence.notifications import channels, outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.notifications.sending import Mail, Security
from ringfence.storage import Database
from webfixtures import csrf


async def test_a_channel_is_made_tested_and_removed_and_its_address_is_never_shown(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "Nobody is told of anything yet" in (await client.get("/notifications")).text
    assert "Add the channel" in (await client.get("/notifications/new")).text
    form = {"csrf": csrf(client, embedded), "name": "soc", "pause": "30"}
    with web_server() as (port, bodies):
        address = f"json://user:s3cret@127.0.0.1:{port}/hook"
        made = await client.post("/notifications/new", data=form | {"address": address, "event": "message"})
        assert (made.status_code, made.headers["location"]) == (303, "/notifications")
        page = (await client.get("/notifications")).text
        assert "json://…" in page
        assert "s3cret" not in page
        (channel,) = embedded.read_now(lambda tx: channels.every(tx, contoso.organization_id))
        sent = await client.post(f"/notifications/{channel.id}/test", data=form)
        assert "The test message was sent to soc." in sent.text
        assert len(bodies) == 1
        assert ">Working<" in re.sub(r"\s*\n\s*", "", sent.text).replace("</svg>", ">")
    failed = await client.post(f"/notifications/{channel.id}/test", data=form)
    assert failed.status_code == 503
    assert "The test of soc failed." in failed.text
    assert "did not take the message" in failed.text
    assert "Failing" in (await client.get("/notifications")).text
    assert (await client.post(f"/notifications/{channel.id}/remove", data=form)).status_code == 303
    assert "Nobody is told" in (await client.get("/notifications")).text


async def test_what_cannot_be_a_channel_is_told_and_secrets_are_not_put_back(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    form = {"csrf": csrf(client, embedded), "name": "soc", "host": "smtp.contoso.com", "to": "nobody", "user": "soc"}
    wrong = await client.post("/notifications/new", data=form | {"password": "s3cret", "event": "message"})
    assert wrong.status_code == 400
    assert "is not a mail address" in wrong.text
    assert 'value="smtp.contoso.com"' in wrong.text
    assert "s3cret" not in wrong.text
    assert 'value="message" checked' in wrong.text
    assert (await client.post("/notifications/new", data=form | {"port": "many"})).status_code == 400


async def test_a_channel_is_changed_on_its_page_and_what_is_secret_stays_unless_it_is_typed_anew(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    organization, form = contoso.organization_id, {"csrf": csrf(client, embedded)}

    def leads(name: str) -> object:
        found = embedded.read_now(lambda tx: channels.by_name(tx, organization, name))
        return embedded.read_now(lambda tx: channels.target(tx, VAULT, found))

    mail = Mail("smtp.contoso.com", 2525, Security.TLS, "soc@contoso.com", ("ines@contoso.com",), "soc", "s3cret")
    made = a_channel(embedded, organization, target=mail, events=("message",))
    edit = f"/notifications/{made.id}/edit"
    assert edit in (await client.get("/notifications")).text
    page = (await client.get(edit)).text
    assert "s3cret" not in page
    typed = dict(re.findall(r'name="(\w+)"[^>]* value="([^"]*)"', page))
    assert (typed["host"], typed["port"], typed["sender"], typed["to"]) == (
        *("smtp.contoso.com", "2525", "soc@contoso.com"),
        "ines@contoso.com",
    )
    given = form | {each: typed[each] for each in ("name", "host", "port", "sender", "to", "user", "pause", "seen")}
    given |= {"security": "tls", "event": "message"}
    hostile = HOSTILE[0].replace("\n", " ").strip()[:50]
    done = await client.post(edit, data=given | {"quiet": "22:00-06:00", "person": hostile})
    assert (done.status_code, done.headers["location"]) == (303, "/notifications")
    assert leads("soc") == mail
    assert embedded.read_now(lambda tx: channels.by_name(tx, organization, "soc")).quiet == "22:00-06:00"
    assert dangers((await client.get(edit)).text) == []
    late = await client.post(edit, data=given | {"quiet": "", "name": "later"})
    assert late.status_code == 412
    assert "Somebody has changed it" in late.text
    assert 'value="later"' in late.text
    given["seen"] = dict(re.findall(r'name="(seen)" value="(\w+)"', late.text))["seen"]
    elsewhere = await client.post(edit, data=given | {"host": "smtp.fabrikam.com"})
    assert elsewhere.status_code == 400
    assert "its own server and user" in elsewhere.text
    with web_server() as (port, bodies):
        chat = form | {
            "name": "chat",
            "address": f"json://127.0.0.1:{port}/s3cret",
            "do": "test",
            "seen": given["seen"],
        }
        tested = await client.post(edit, data=chat)
        assert "The test message was sent to chat." in tested.text
        assert len(bodies) == 1
    page = (await client.get(edit)).text
    assert "s3cret" not in page
    seen = dict(re.findall(r'name="(seen)" value="(\w+)"', page))
    kept = leads("chat")
    assert (await client.post(edit, data=form | seen | {"name": "talk", "security": "starttls"})).status_code == 303
    assert leads("talk") == kept
    assert (await client.get("/notifications/nobody/edit")).status_code == 404


async def test_hostile_words_are_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    form = {"csrf": csrf(client, embedded), "name": "soc", "address": "json://hooks.contoso.com/x"}
    await client.post("/notifications/new", data=form)
    for number, words in enumerate(HOSTILE):
        news = News(Event.MESSAGE, str(number), "run", "r", words, words, "/executions")
        embedded.run_now(lambda tx, each=news: outbox.tell(tx, contoso.organization_id, each))  # type: ignore[misc]
    page = (await client.get("/notifications")).text
    assert dangers(page) == []
    assert "quiet hours" not in page
    a_channel(embedded, contoso.organization_id, "night", quiet="00:00-00:00")
    news = News(Event.CONTAINMENT_CONFIRMED, "held", "run", "r", "Held", "", "/executions")
    embedded.run_now(lambda tx: outbox.tell(tx, contoso.organization_id, news))
    assert ": quiet hours<" in (await client.get("/notifications")).text
