"""No page, answer of the API, export or log line shows a secret of any kind, in any form."""

import json
import logging
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
import structlog
from fastapi import FastAPI
from pydantic import SecretStr

import sealed_samples
from canaries import canary, forms, found
from contoso import Contoso
from every_route import STREAMS, Browser, Things, addresses
from ringfence import logs
from ringfence.organizations import members
from ringfence.security import links
from ringfence.security.rbac import Role
from ringfence.security.sealed import SEALED
from ringfence.storage import Database, Transaction
from webfixtures import _NOW, ORIGIN
from webserver import VAULT

# What must be one of a few words for a page to be made of it.
_READABLE: dict[str, Any] = {
    "state": "healthy",
    "stage": "new",
    "roles": [],
    "cloud": "commercial",
    "kind": "bearer",
    "domains": [],
}
_OF: dict[str, dict[str, Any]] = {
    "mailboxes": {"state": "followed", "tls": "implicit", "afterwards": "keep"},
    "subscription_secrets": {"state": "on", "kinds": []},
}


@pytest.fixture
def _logging_is_given_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, kept = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**kept)


def test_a_canary_is_found_in_every_form() -> None:
    secret = canary("x")
    assert len(set(forms(secret))) > 10
    for text in (
        f"a{secret}b",
        b64encode(b"megan:" + secret.encode()).decode(),
        urlsafe_b64encode(b"1" + secret.encode() + b"2").decode(),
        urlsafe_b64encode(b"12" + secret.encode()).decode(),
        quote_plus(f"a={secret}"),
        secret.encode().hex(),
        json.dumps(json.dumps({"a": secret})[1:-1]).replace("\\\\", "\\").replace('\\"', '"'),
        f"<p>{secret.replace('&', '&amp;').replace('<', '&lt;').replace('>', '&gt;').replace(chr(34), '&#34;')}</p>",
    ):
        assert found(text, {"x": secret}) == {"x"}, text
    assert found("c@nary", {"x": secret}) == set()


@pytest.mark.usefixtures("_logging_is_given_back")
async def test_no_secret_is_shown_by_any_address_nor_written_to_the_log(
    app: FastAPI, embedded: Database, contoso: Contoso, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug")
    secrets = {each.where: canary(f"{number}") for number, each in enumerate(SEALED)} | {"metrics": canary("m")}
    settings = _NOW["settings"]
    _NOW["settings"] = settings.model_copy(update={"metrics_token": SecretStr(secrets["metrics"])})

    def put(tx: Transaction) -> str:
        for each in SEALED:
            held = json.dumps({"password": secrets[each.where], "url": f"https://x/{secrets[each.where]}"})
            rows = tx.all(each.rows(contoso.organization_id))
            for row in rows:
                sealed = VAULT.seal(contoso.organization_id, f"{each.purpose}:{row['id']}", held)
                tx.execute(each.replace(row["id"], row["sealed"], sealed))
            if not rows:
                sealed_samples.put(
                    tx, VAULT, contoso.organization_id, each, held, **(_READABLE | _OF.get(each.column.table.name, {}))
                )
        return members.ensure(tx, contoso.organization_id, "a system administrator", Role.SYSTEM_ADMINISTRATOR)

    browser = Browser(embedded, embedded.run_now(put))
    browser.enter()
    secrets["sign-in link"] = embedded.run_now(lambda tx: links.create(tx, browser.user_id, timedelta(minutes=5)))
    secrets["session"] = browser.token
    things = embedded.read_now(lambda tx: Things(tx, contoso.organization_id))
    shown, asked = set(), 0
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ORIGIN) as client:
        for address in addresses(app):
            if address.method != "GET" or address.path in STREAMS:
                continue
            answer = await browser.ask(client, address, things.fill(address.path, address.names))
            asked += 1
            text = answer.text + " ".join(f"{name}: {value}" for name, value in answer.headers.items())
            shown |= {(str(address), kind) for kind in found(text, secrets)}
    log = capsys.readouterr().err
    assert asked > 100
    assert shown == set()
    assert found(log, secrets) == set()


@pytest.mark.usefixtures("_logging_is_given_back")
@pytest.mark.parametrize("form", ["text", "json"])
def test_the_trace_of_a_crash_shows_no_value(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("debug", form)
    secrets = {"local": canary("l"), "argument": canary("a")}

    def crash(password: str) -> None:
        local = secrets["local"]
        raise ZeroDivisionError(f"{len(local)} {len(password)}")

    try:
        crash(secrets["argument"])
    except ZeroDivisionError:
        logs.get("test").exception("crashed", authorization="Bearer abc.def", client_secret=secrets["argument"])
    said = capsys.readouterr().err
    assert "ZeroDivisionError" in said
    assert "in crash" in said
    assert found(said, secrets) == set()
    assert "abc.def" not in said
