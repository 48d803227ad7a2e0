"""What the examples of the contract are played on: more rows of Contoso's, and servers that stand in for those of others."""

import socket
import ssl
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import sqlalchemy as sa

from accounts_samples import a_stored_account, an_organization, signed_in
from approval_samples import ask
from contoso import Contoso, rule_everywhere
from dovecot import certificate
from form_samples import a_task_with_a_form
from listening_world import refused
from microsoft import Microsoft
from notification_world import a_channel, web_server
from ringfence.accounts.clients import purpose
from ringfence.accounts.model import AccountState
from ringfence.accounts.permissions import FEATURES
from ringfence.listeners import refusals, webhooks
from ringfence.listeners.refusals import Reason
from ringfence.notifications import outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.notifications.sending import Service
from ringfence.organizations import members
from ringfence.runs import attachments
from ringfence.security import sessions
from ringfence.security.rbac import Role
from ringfence.security.sessions import Visitor
from ringfence.storage import Database, Transaction, tables
from webserver import VAULT, Asked

_MAIL_SERVER = "mail.contoso.com"
_EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"


@dataclass(frozen=True)
class Stage:
    """The ids that plays begin with, and what stands in an example in the place of what is only so on this machine."""

    database: Database
    contoso: Contoso
    kept: dict[str, Any]
    disguise: dict[Any, Any]

    def enter(self, organization_id: str) -> None:
        """Let who is signed in work in another organization from here on."""
        theirs = sa.update(tables.sessions).where(tables.sessions.c.user_id == self.contoso.user_id)
        self.database.run_now(lambda tx: tx.execute(theirs.values(organization_id=organization_id)))


@asynccontextmanager
async def stage(database: Database, contoso: Contoso, asked: Asked) -> AsyncIterator[Stage]:
    """Fill the database, let every sign-in at Microsoft succeed, and run a mail server and a web server."""
    _sign_in_whoever_asks(asked.microsoft)
    fabrikam = an_organization(database, "Fabrikam")
    unproven = a_stored_account(
        database, contoso.organization_id, name="contoso-old", state=AccountState.PENDING, proven_at=None
    )
    with web_server() as (web_port, _), mail_server() as (mail_port, authority):
        chat = a_channel(database, contoso.organization_id, target=Service(f"json://127.0.0.1:{web_port}/soc"))
        kept = database.run_now(lambda tx: _rows(tx, contoso)) | {
            "alert": contoso.alert_id,
            "incident": contoso.incident_number,
            "containment": contoso.containment_id,
            "playbook": contoso.playbook_id,
            "run": contoso.run_id,
            "account": contoso.account_id,
            "drill": contoso.drill_id,
            "organization": contoso.organization_id,
            "fabrikam": fabrikam,
            "unproven": unproven.id,
            "chat": chat.id,
            "question": ask(database, contoso.organization_id).id,
            "form": a_task_with_a_form(database, contoso.organization_id, contoso.incident_number),
            "other_form": a_task_with_a_form(
                database, contoso.organization_id, contoso.incident_number, key="run:call:1"
            ),
            "mail_host": "127.0.0.1",
            "mail_port": mail_port,
            "mail_authority": authority,
        }
        kept["file"] = await _a_file(database, contoso)
        disguise = {"127.0.0.1": _MAIL_SERVER, mail_port: 993, authority: None}
        yield Stage(database, contoso, kept, disguise)


def _rows(tx: Transaction, contoso: Contoso) -> dict[str, Any]:
    rule_everywhere(tx, contoso)
    sealed = VAULT.seal(contoso.organization_id, purpose(contoso.account_id), "not-a-real-secret")
    mine = sa.update(tables.accounts).where(tables.accounts.c.id == contoso.account_id)
    tx.execute(mine.values(secret_sealed=sealed, cloud="commercial"))
    news = News(Event.BRAKE_TRIPPED, "1", "brake", "1", "A limit was reached", "5 hosts in an hour.", "/containment")
    outbox.tell(tx, contoso.organization_id, news)
    alex = members.ensure(tx, contoso.organization_id, "alex.wilber", Role.ANALYST)
    for _ in range(2):
        sessions.start(tx, alex, timedelta(hours=1), visitor=Visitor("203.0.113.20", _EDGE))
    tickets, _ = webhooks.add(tx, VAULT, contoso.organization_id, "tickets", "adele.vance")
    refusals.write(tx, {tickets.id: refused(Reason.SIGNATURE, Reason.TOO_LARGE)})
    return {"alex": alex}


async def _a_file(database: Database, contoso: Contoso) -> str:
    made = await attachments.store(
        database,
        organization_id=contoso.organization_id,
        run_id=contoso.run_id,
        step="collect",
        iteration=0,
        name="fin-ws-014.zip",
        content=b"PK\x05\x06" + bytes(18),
        media_type="application/zip",
        largest=10_000_000,
    )
    return made.id


def _sign_in_whoever_asks(microsoft: Microsoft) -> None:
    roles = [(api.value, role) for feature in FEATURES.values() for api, role in feature.roles]

    def login(request: httpx.Request) -> httpx.Response:
        scope = parse_qs(request.content.decode())["scope"][0]
        graph = "graph" in scope
        return signed_in([role for api, role in roles if ("graph" in api) == graph])

    microsoft.logins = [login] * 50


@contextmanager
def mail_server() -> Iterator[tuple[int, str]]:
    """Run a server that lets whoever comes in by IMAP and TLS see an empty folder; gives its port and certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        authority = certificate(Path(folder))
        context.load_cert_chain(Path(folder) / "server.pem", Path(folder) / "server.key")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=_serve, args=(listening, context))
        thread.start()
        try:
            yield listening.getsockname()[1], authority
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(10)


_SAID = {
    "CAPABILITY": ("* CAPABILITY IMAP4rev1 IDLE",),
    "SELECT": ("* 7 EXISTS", "* OK [UIDVALIDITY 1]", "* OK [UIDNEXT 8]"),
    "LOGOUT": ("* BYE",),
}


def _serve(listening: socket.socket, context: ssl.SSLContext) -> None:
    """Serve one connection after the other, until nothing is listened to any more."""
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        with context.wrap_socket(plain, server_side=True) as connection, connection.makefile("rwb") as lines:
            lines.write(b"* OK here\r\n")
            lines.flush()
            for line in lines:
                tag, word, *_ = line.decode().split()
                for said in (*_SAID.get(word.upper(), ()), f"{tag} OK done"):
                    lines.write(f"{said}\r\n".encode())
                lines.flush()
                if word.upper() == "LOGOUT":
                    break
