"""Mailboxes, by the API."""

import httpx

from contoso import Contoso
from ringfence.listeners import mailboxes
from ringfence.listeners.mailboxes import Afterwards, NewMailbox, Tls
from ringfence.storage import Database
from webfixtures import csrf
from webserver import VAULT

API = "/api/v1/mailboxes"
NEW = NewMailbox(
    "phishing", "mail.contoso.com", 993, Tls.IMPLICIT, "soc@contoso.com", "secret", afterwards=Afterwards.KEEP
)


async def test_a_mailbox_is_shown_without_its_password_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    organization_id = contoso.organization_id
    embedded.run_now(lambda tx: mailboxes.add(tx, VAULT, organization_id, NEW, uid_validity=1, last_uid=7))
    listed = await client.get(API)
    assert [each["name"] for each in listed.json()["items"]] == ["phishing"]
    one = await client.get(f"{API}/phishing")
    assert (one.json()["state"], one.json()["afterwards"]) == ("new", "keep")
    assert "secret" not in listed.text + one.text
    assert (await client.get(f"{API}/phishing/messages")).json() == {"items": [], "next": None}
    assert (await client.delete(f"{API}/phishing")).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    assert (await client.delete(f"{API}/phishing")).status_code == 204
    assert (await client.get(f"{API}/phishing")).status_code == 404


async def test_no_mailbox_is_connected_in_a_network_that_is_not_open(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    new = {"name": "inside", "host": "10.1.2.3", "username": "soc", "password": "secret"}
    answer = await client.post(API, json=new)
    assert (answer.status_code, answer.json()["code"]) == (403, "egress_refused")
    assert (await client.get(API)).json()["items"] == []
