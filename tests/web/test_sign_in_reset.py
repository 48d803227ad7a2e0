import re
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pyotp
import pytest
import sqlalchemy as sa

from contoso import Contoso, rule_everywhere
from notification_world import Post
from ringfence import clock
from ringfence.notifications import channels
from ringfence.notifications.channels import NewChannel
from ringfence.notifications.sending import Mail, Security
from ringfence.organizations import members
from ringfence.security import passwords, second_factor, sessions
from ringfence.security.passwords import Passwords
from ringfence.security.rbac import Role
from ringfence.storage import Database
from ringfence.storage.tables import audit_entries
from ringfence.web import Services, create_web
from webfixtures import open_client, sign_in

ADELE = "adele.vance@contoso.com"
_NEW = "correct horse battery stapler"


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
async def visitor(
    services: Services, post: Post, embedded: Database, contoso: Contoso
) -> AsyncIterator[httpx.AsyncClient]:
    server = Mail("smtp.contoso.com", 587, Security.STARTTLS, "soc@contoso.com", ("duty@contoso.com",))
    vault = services.sender.vault
    embedded.run_now(
        lambda tx: channels.add(tx, vault, contoso.organization_id, NewChannel("mail", server), by="megan")
    )
    sender = replace(services.sender, send=post)
    async with open_client(create_web(replace(services, sender=sender))) as client:
        yield client


@pytest.fixture
def adele(embedded: Database, contoso: Contoso) -> str:
    """Give somebody whose name is a mail address, and who has a password."""
    user_id = embedded.run_now(lambda tx: members.ensure(tx, contoso.organization_id, ADELE, Role.ANALYST))
    kept = Passwords().hash("an old pass phrase of hers")
    embedded.run_now(lambda tx: passwords.store(tx, user_id, kept))
    return user_id


async def _ask(client: httpx.AsyncClient, name: str) -> httpx.Response:
    return await client.post("/sign-in/forgotten", data={"name": name})


def _link(post: Post) -> str:
    found = re.search(r"http://ringfence\.test(/sign-in/reset\?token=\S+)", post.sent[-1][1].text)
    assert found is not None
    return found[1]


async def test_a_new_password_is_chosen_by_mail_once_and_all_sessions_end(
    visitor: httpx.AsyncClient, post: Post, services: Services, embedded: Database, adele: str
) -> None:
    assert "/sign-in/forgotten" in (await visitor.get("/sign-in")).text
    async with open_client(visitor._transport.app) as other:  # type: ignore[attr-defined]
        sign_in(other, embedded, adele)
        held = other.cookies["ringfence"]
    assert embedded.read_now(lambda tx: sessions.find(tx, held)) is not None
    vault = services.sender.vault
    secret = embedded.run_now(lambda tx: second_factor.enrol(tx, vault, adele)).secret
    code = pyotp.TOTP(secret).at(int(clock.timestamp()))
    embedded.run_now(lambda tx: second_factor.confirm(tx, vault, adele, code))
    assert (await _ask(visitor, f" {ADELE} ")).status_code == 200
    await _ask(visitor, ADELE)
    (target, message, _) = post.sent[-1]
    assert isinstance(target, Mail)
    assert (target.to, "15 minutes" in message.text) == ((ADELE,), True)
    address = _link(post)
    token = address.partition("=")[2]
    assert ADELE in (await visitor.get(address)).text
    wrong = await visitor.post("/sign-in/reset", data={"token": token, "password": _NEW, "again": "other"})
    assert wrong.status_code == 400
    short = await visitor.post("/sign-in/reset", data={"token": token, "password": "short", "again": "short"})
    assert short.status_code == 400
    done = await visitor.post("/sign-in/reset", data={"token": token, "password": _NEW, "again": _NEW})
    # The second factor stays, and is asked for.
    assert done.headers["location"] == "/sign-in/code"
    assert "ringfence" not in visitor.cookies
    assert embedded.read_now(lambda tx: sessions.find(tx, held)) is None
    stored = embedded.read_now(lambda tx: passwords.of_user(tx, adele))
    assert Passwords().matches(stored, _NEW)
    again = await visitor.get(address)
    assert again.status_code == 401
    assert "This address was used already, or a newer one was sent, or its 15 minutes are over." in again.text
    mine = audit_entries.c.event.like("password:%")
    told = embedded.read_now(lambda tx: tx.all(sa.select(audit_entries.c.event, audit_entries.c.details).where(mine)))
    assert [each["event"] for each in told[-3:]] == ["password:reset_asked", "password:reset_asked", "password:changed"]
    assert not any(token in each["details"] for each in told)


async def test_only_the_newest_address_counts_and_it_ends(visitor: httpx.AsyncClient, post: Post, adele: str) -> None:
    del adele
    await _ask(visitor, ADELE)
    first = _link(post)
    await _ask(visitor, ADELE)
    assert (await visitor.get(first)).status_code == 401
    newest = _link(post)
    assert (await visitor.get(newest)).status_code == 200
    later = clock.timestamp() + 16 * 60
    clock.replace(lambda: later)
    assert (await visitor.get(newest)).status_code == 401


async def test_everybody_is_told_the_same_and_asking_often_is_slowed_down(
    visitor: httpx.AsyncClient, post: Post, embedded: Database, contoso: Contoso, adele: str
) -> None:
    answers = {(await _ask(visitor, name)).text for name in (ADELE, "nobody@contoso.com", "megan.bowen", "")}
    assert len(answers) == 1
    assert len(post.sent) == 1
    # Somebody who rules everywhere, or works elsewhere too, gets none: an organization chooses its own mail server.
    embedded.run_now(lambda tx: rule_everywhere(tx, replace(contoso, user_id=adele)))
    assert (await _ask(visitor, ADELE)).text in answers
    assert len(post.sent) == 1
    codes = [(await _ask(visitor, "guess@contoso.com")).status_code for _ in range(7)]
    assert codes[0] == 200
    assert codes[-1] == 429
    post.down = True
    assert (await _ask(visitor, ADELE)).status_code == 200
