"""The page of webhooks in."""

import re

import httpx

from accounts_samples import VAULT
from contoso import Contoso
from listening_world import headers, publish, refused, signed
from ringfence import clock
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.refusals import Reason
from ringfence.organizations import members
from ringfence.playbooks import library
from ringfence.security.rbac import Role
from ringfence.storage import Database
from webfixtures import csrf, sign_in

_BODY = b'{"severity": "high"}'


def secret_of(page: str) -> str:
    found = re.search(r"whsec_[A-Za-z0-9+/=]{44}", page)
    assert found is not None
    return found[0]


async def test_a_webhook_is_made_and_its_secret_is_told_once(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"csrf": csrf(client, embedded)}
    assert "Nothing comes in yet" in (await client.get("/webhooks")).text
    wrong = await client.post("/webhooks", data=token | {"name": "siem", "answer_within": "soon"})
    assert (wrong.status_code, 'value="siem"' in wrong.text) == (400, True)
    assert (await client.post("/webhooks", data={"name": "siem"})).status_code == 403
    made = await client.post("/webhooks", data=token | {"name": "siem", "answer_within": "10"})
    (found,) = embedded.read_now(lambda tx: webhooks.every(tx, contoso.organization_id))
    assert (secret_of(made.text) != "", found.answer_within) == (True, 10.0)
    assert "data-live" not in made.text
    shown = (await client.get("/webhooks")).text
    assert "whsec_" not in shown
    for words in (f"http://ringfence.test/hooks/{found.id}", "Nobody listens", "none yet", "up to 10 s"):
        assert words in shown, words
    assert (await client.post("/webhooks", data=token | {"name": "siem"})).status_code == 409


async def test_what_came_is_shown_with_what_became_of_it_and_why(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token, own = {"csrf": csrf(client, embedded)}, contoso.organization_id
    secret = secret_of((await client.post("/webhooks", data=token | {"name": "siem"})).text)
    (hook,) = embedded.read_now(lambda tx: webhooks.every(tx, own))

    async def post(message_id: str) -> None:
        sent = headers(signed(secret, _BODY, message_id=message_id, at=clock.timestamp()))
        assert (await client.post(hook.path, content=_BODY, headers=sent)).status_code == 202

    await post("msg_unheard")
    first = publish(embedded, own, "Take it", "{type: webhook, hook: siem}")
    publish(embedded, own, "Leave it", "{type: webhook, hook: siem, where: \"body.severity == 'low'\"}")
    await post("<b>msg</b>")
    shown = (await client.get("/webhooks")).text
    for words in (
        "Listened to",
        f'<a href="/playbooks/{first.id}">Take it</a>',
        "&lt;b&gt;msg&lt;/b&gt;",
        "No playbook listened to this webhook.",
        "/executions/",
        "The condition `where` is not true for this message.",
    ):
        assert words in shown, words
    for name in ("Take it", "Leave it"):
        embedded.run_now(lambda tx: library.pause(tx, own, name))  # noqa: B023
    assert "Every playbook that listens to it is paused" in (await client.get("/webhooks")).text


async def test_a_webhook_is_given_a_new_secret_changed_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token, own = {"csrf": csrf(client, embedded)}, contoso.organization_id
    first = secret_of((await client.post("/webhooks", data=token | {"name": "siem"})).text)
    (hook,) = embedded.read_now(lambda tx: webhooks.every(tx, own))
    here = f"/webhooks/{hook.id}"
    kept = await client.post(f"{here}/rotate", data=token | {"keep": "1 h"})
    assert secret_of(kept.text) != first
    assert "valid until" in kept.text
    assert "2 secrets valid now" in (await client.get("/webhooks")).text
    assert (await client.post(f"{here}/rotate", data=token | {"keep": "for ever"})).status_code == 400
    await client.post(f"{here}/rotate", data=token | {"keep": "0"})
    assert "1 secret valid now" in (await client.get("/webhooks")).text
    assert (await client.post(f"{here}/answers", data=token | {"answer_within": "61"})).status_code == 400
    assert (await client.post(f"{here}/answers", data=token | {"answer_within": "2.5"})).status_code == 303
    assert "up to 2.5 s" in (await client.get("/webhooks")).text
    assert (await client.post(f"{here}/remove", data=token)).status_code == 303
    assert (await client.post(f"{here}/remove", data=token)).status_code == 404


async def test_a_webhook_is_switched_off_and_on_and_says_what_it_refused(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token, own = {"csrf": csrf(client, embedded)}, contoso.organization_id
    hook, _ = embedded.run_now(lambda tx: webhooks.add(tx, VAULT, own, "siem", "ada"))
    for on, words in (("no", "A person switched it off"), ("yes", "Nobody listens")):
        assert (await client.post(f"/webhooks/{hook.id}/switch", data=token | {"on": on})).status_code == 303
        assert words in (await client.get("/webhooks")).text
    assert "Refused in the last 30 days" not in (await client.get("/webhooks")).text
    found = refused(Reason.OFF, Reason.SIGNATURE, dropped=12_000)
    embedded.run_now(lambda tx: refusals.write(tx, {hook.id: found}))
    shown = (await client.get("/webhooks")).text
    for words in ("12,001", "12,000 of them were only counted", "203.0.113.7", refusals.SAID[Reason.SIGNATURE]):
        assert words in shown, words


async def test_who_may_only_look_sees_no_form_and_why_not(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    own = contoso.organization_id
    reader = embedded.run_now(lambda tx: members.ensure(tx, own, "alex", Role.READ_ONLY))
    token = {"csrf": sign_in(visitor, embedded, reader)}
    shown = (await visitor.get("/webhooks")).text
    assert "Make a webhook" not in shown
    assert (await visitor.post("/webhooks", data=token | {"name": "siem"})).status_code == 403
