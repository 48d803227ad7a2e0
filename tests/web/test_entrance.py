import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pyotp
import pytest
from starlette.requests import Request

from contoso import Contoso
from databases import Sqlite
from ringfence import clock
from ringfence.organizations import first, members
from ringfence.organizations import service as organizations
from ringfence.security import known_browsers, links, people
from ringfence.security.rbac import Role
from ringfence.settings import Settings
from ringfence.storage import Database, Transaction
from ringfence.web import Services
from ringfence.web.entrance import Entrance
from webfixtures import csrf
from webserver import NEW, Asked, make_services

_CHOSEN = {"name": "megan", "password": "four unrelated words", "again": "four unrelated words"}
_NOW = 1_790_000_000.0


def _request(cookie: str = "") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"host", b"ringfence.test")]
    return Request(
        {
            "type": "http",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": headers,
            "client": ("198.51.100.7", 1),
        }
    )


def test_a_browser_is_counted_apart_only_for_the_person_who_knows_it(
    services: Services, embedded: Database, contoso: Contoso
) -> None:
    user = embedded.read_now(lambda tx: people.get(tx, contoso.user_id))
    cookie = f"ringfence-known={known_browsers.introduce(services.sender.vault, user.id)}"
    other = f"ringfence-known={known_browsers.introduce(services.sender.vault, 'alex')}"
    entrance = Entrance(services)
    assert entrance.attempt(_request(cookie), "megan", user).browser
    for attempt in (
        entrance.attempt(_request(other), "megan", user),
        entrance.attempt(_request(cookie), "megan", None),
        entrance.attempt(_request(), "megan", user),
    ):
        assert (attempt.browser, attempt.address) == (None, "198.51.100.7")


async def test_nobody_is_led_to_another_site(services: Services, embedded: Database, contoso: Contoso) -> None:
    user = embedded.read_now(lambda tx: people.get(tx, contoso.user_id))
    entered = await Entrance(services).go_on(_request(), user, "password", "//evil.test")
    assert entered.headers["location"] == "/"


def _secret(page: httpx.Response) -> pyotp.TOTP:
    found = re.search(r'data-copy="([A-Z2-7]{32})"', page.text)
    assert found, page.text
    return pyotp.TOTP(found[1])


class TestNew:
    """A new installation, where nobody has said anything about second factors."""

    @pytest.fixture
    def embedded(self, sqlite: Sqlite, tmp_path: Path) -> Iterator[Database]:
        database = Database(sqlite.new_url(tmp_path), threads=2)
        database.run_now(organizations.ensure_default)
        yield database
        database.close()

    @pytest.fixture
    def services(self, embedded: Database, tmp_path: Path) -> Services:
        return make_services(embedded, Asked(), Settings(data=tmp_path, **NEW))

    async def test_the_first_administrator_is_in_when_the_app_is_set_up_and_not_before(
        self, visitor: httpx.AsyncClient, embedded: Database
    ) -> None:
        now = [_NOW]
        clock.replace(lambda: now[0])
        token = embedded.run_now(first.offer) or ""
        assert "next you set up an authenticator app" in (await visitor.get(f"/sign-in/first?token={token}")).text
        begun = await visitor.post("/sign-in/first", data=_CHOSEN | {"token": token})
        assert begun.headers["location"] == "/sign-in/app"

        # What the browser holds until then opens nothing.
        assert "ringfence" not in visitor.cookies
        for path in ("/", "/me", "/me/tokens", "/me/app", "/people", "/installation"):
            assert (await visitor.get(path)).headers["location"].startswith("/sign-in"), path
        made = {"name": "a way around", "scopes": ["containment:contain"], "days": 1}
        assert (await visitor.post("/me/tokens", data={"name": "x"})).status_code == 401
        assert (await visitor.post("/api/v1/tokens", json=made)).status_code == 401
        assert (await visitor.get("/api/v1/users")).status_code == 401

        app = _secret(await visitor.get("/sign-in/app"))
        code = app.at(int(now[0]))
        done = await visitor.post("/sign-in/app", data={"code": f"{code[:3]} {code[3:]}"})
        codes = re.findall(r"<li>([A-Z2-7-]{29})</li>", done.text)
        assert len(codes) == 10
        assert "megan" in (await visitor.get("/people")).text
        await visitor.post("/sign-out", data={"csrf": csrf(visitor, embedded)})

        # Next time the code, or where the phone is lost a recovery code, once; a link of the server is one factor too.
        by_password = await visitor.post("/sign-in", data=_CHOSEN | {"next": "/people"})
        assert by_password.headers["location"] == "/sign-in/code"
        now[0] += 30
        assert (await visitor.post("/sign-in/code", data={"code": app.at(int(now[0]))})).status_code == 303
        await visitor.post("/sign-out", data={"csrf": csrf(visitor, embedded)})
        assert await self._code_after_a_link(visitor, embedded, codes[0].lower()) == (303, "")
        assert (await visitor.get("/people")).status_code == 200
        await visitor.post("/sign-out", data={"csrf": csrf(visitor, embedded)})
        assert (await self._code_after_a_link(visitor, embedded, codes[0]))[0] == 401

        # Codes are counted by the person, however often a sign-in is begun anew: after five each waits.
        for _ in range(4):
            status, text = await self._code_after_a_link(visitor, embedded, "000000")
            assert (status, "code is wrong" in text) == (401, True)
        status, text = await self._code_after_a_link(visitor, embedded, codes[1])
        assert (status, "too many failed attempts" in text) == (429, True)

    async def _code_after_a_link(self, visitor: httpx.AsyncClient, embedded: Database, code: str) -> tuple[int, str]:
        def give(tx: Transaction) -> str:
            organization = organizations.ensure_default(tx)
            return links.create(tx, members.by_name(tx, organization.id, "megan").user_id, timedelta(minutes=5))

        by_link = await visitor.post("/sign-in/link", data={"token": embedded.run_now(give)})
        assert by_link.headers["location"] == "/sign-in/code"
        answer = await visitor.post("/sign-in/code", data={"code": code})
        return answer.status_code, answer.text

    @pytest.mark.parametrize("role", [Role.READ_ONLY, Role.RESPONDER])
    async def test_a_link_that_an_administrator_gives_leads_to_the_app_too(
        self, visitor: httpx.AsyncClient, embedded: Database, role: Role
    ) -> None:
        def invited(tx: Transaction) -> str:
            return links.create(tx, members.ensure(tx, organizations.ensure_default(tx).id, "alex", role))

        answer = await visitor.post("/sign-in/link", data={"token": embedded.run_now(invited)})
        assert answer.headers["location"] == "/sign-in/app"
        assert (await visitor.get("/alerts")).status_code == 303

    async def test_a_secret_that_somebody_may_have_seen_before_is_never_the_one_that_counts(
        self, visitor: httpx.AsyncClient, embedded: Database
    ) -> None:
        clock.replace(lambda: _NOW)
        token = embedded.run_now(first.offer) or ""
        await visitor.post("/sign-in/first", data=_CHOSEN | {"token": token})
        seen = _secret(await visitor.get("/sign-in/app"))
        abandoned = visitor.cookies["ringfence-step"]
        await visitor.post("/sign-in", data=_CHOSEN)
        shown = _secret(await visitor.get("/sign-in/app"))
        assert shown.secret != seen.secret
        held = visitor.cookies["ringfence-step"]
        visitor.cookies.set("ringfence-step", abandoned, domain="ringfence.test")
        assert (await visitor.post("/sign-in/app", data={"code": shown.at(int(_NOW))})).status_code == 401
        visitor.cookies.set("ringfence-step", held, domain="ringfence.test")
        assert (await visitor.post("/sign-in/app", data={"code": shown.at(int(_NOW))})).status_code == 200
