"""Channels whose messages a test keeps, and a mail server and a web server on this machine that really take them."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from ringfence.errors import Unavailable
from ringfence.notifications import channels
from ringfence.notifications.channels import Channel, NewChannel
from ringfence.notifications.delivery import Delivery, Sender
from ringfence.notifications.sending import Service, Target
from ringfence.notifications.wording import Message
from ringfence.security.crypto import Vault
from ringfence.security.egress import Network
from ringfence.storage import Database

VAULT = Vault(bytes(32))
ADDRESS = "https://ringfence.test"


@dataclass
class Post:
    """Stands in for the network: keeps what was sent, and refuses while `down`."""

    sent: list[tuple[Target, Message, str]] = field(default_factory=list)
    down: bool = False

    def __call__(self, target: Target, message: Message, *, mark: str, allowed: tuple[Network, ...]) -> None:
        if self.down:
            raise Unavailable("The service is down.", advice="Wait.")
        self.sent.append((target, message, mark))

    @property
    def texts(self) -> list[str]:
        """Each message as one text."""
        return [f"{message.title}\n{message.text}" for _, message, _ in self.sent]

    def delivery(self, database: Database) -> Delivery:
        """Make a worker's delivery."""
        return Delivery(database, Sender(VAULT, ADDRESS, (), self))


def a_channel(database: Database, organization_id: str, name: str = "soc", **values: Any) -> Channel:
    """Make a channel to a chat."""
    given: dict[str, Any] = {
        "name": name,
        "target": Service(f"json://hooks.contoso.com/{name}"),
        "pause": 30.0,
    } | values
    new = NewChannel(**given)
    return database.run_now(lambda tx: channels.add(tx, VAULT, organization_id, new, by="tests"))


class _Keep:
    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the name that aiosmtpd calls
        assert isinstance(envelope.content, bytes)
        found = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[tuple[int, list[EmailMessage]]]:
    """Run a mail server; gives its port and the mails that it took."""
    keep = _Keep()
    loop = asyncio.new_event_loop()
    ready = threading.Event()
    found: list[asyncio.Server] = []

    async def main() -> None:
        server = await loop.create_server(lambda: SMTP(keep, hostname="mail.contoso.test", loop=loop), "127.0.0.1", 0)
        found.append(server)
        ready.set()
        await server.wait_closed()

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    assert ready.wait(10)
    try:
        yield found[0].sockets[0].getsockname()[1], keep.mails
    finally:
        loop.call_soon_threadsafe(found[0].close)
        thread.join(10)
        loop.close()


@contextmanager
def web_server(status: int = 200) -> Iterator[tuple[int, list[bytes]]]:
    """Run a web server that takes what is posted; gives its port and the bodies."""
    bodies: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            return

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[1], bodies
        finally:
            server.shutdown()
            thread.join(10)
