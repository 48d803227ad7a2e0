"""The palette finds by part of a name what the asker may see, and only in their organization."""

import re
from dataclasses import replace

import httpx

from contoso import Contoso
from ringfence.organizations import service as organizations
from ringfence.security.crypto import Vault
from ringfence.security.rbac import Permission, Role, acting_as
from ringfence.storage import Database
from ringfence.web.palette import search
from ringfence.web.services import Services


async def test_an_empty_question_offers_pages_and_deeds(client: httpx.AsyncClient) -> None:
    page = (await client.get("/palette")).text
    assert re.findall(r'<p class="group"[^>]*>(\w+)</p>', page) == ["Pages", "Do"]
    assert 'href="/containment/new"' in page
    assert "<html" not in page


async def test_each_kind_is_found_by_part_of_its_name(client: httpx.AsyncClient) -> None:
    answers = {q: (await client.get("/palette", params={"q": q})).text for q in ("fin-ws", "ransom", "kill", "zzzz")}
    assert "Hosts" in answers["fin-ws"]
    assert 'href="/containment/new?target=' in answers["fin-ws"]
    assert "Alerts" in answers["ransom"]
    assert 'href="/policy"' in answers["kill"]
    assert "Nothing fits “zzzz”" in answers["zzzz"]


async def test_hostile_text_is_text(client: httpx.AsyncClient) -> None:
    page = (await client.get("/palette", params={"q": "<script>alert(1)</script>"})).text
    assert "&lt;script&gt;" in page
    assert "<script" not in page


def test_nobody_is_led_to_what_they_may_not_do(embedded: Database, contoso: Contoso, services: Services) -> None:
    vault: Vault = services.sender.vault
    reader = acting_as(
        Role.READ_ONLY, user_id="7", name="ines", organization_id=contoso.organization_id, label="x", how="session"
    )
    lines = [line for kind in embedded.read_now(lambda tx: search(tx, reader, vault, "contain")) for line in kind.lines]
    assert lines
    assert not [line for line in lines if line.address.startswith("/containment/new")]
    blind = replace(reader, permissions=frozenset({Permission.ORGANIZATION_READ}))
    assert {kind.name for kind in embedded.read_now(lambda tx: search(tx, blind, vault, "fin-ws"))} <= {"Pages"}


def test_another_organization_is_not_looked_into(embedded: Database, services: Services) -> None:
    other = embedded.run_now(lambda tx: organizations.create(tx, "Fabrikam"))
    asker = acting_as(
        Role.SYSTEM_ADMINISTRATOR, user_id="7", name="ines", organization_id=other.id, label="x", how="session"
    )
    found = embedded.read_now(lambda tx: search(tx, asker, services.sender.vault, "fin-ws"))
    assert [kind.name for kind in found] == []
