"""Systems that are told of changes: one that a test keeps, and one on this machine that checks signatures as receivers do."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from ringfence.notifications.delivery import Sender
from ringfence.security.crypto import Vault
from ringfence.security.egress import Network
from ringfence.storage import Database
from ringfence.subscriptions import records
from ringfence.subscriptions.delivery import Delivery
from ringfence.subscriptions.model import Subscription
from ringfence.subscriptions.sending import Parcel, Receipt

VAULT = Vault(bytes(32))
ORIGIN = "https://ringfence.contoso.com"


@dataclass
class Siem:
    """Stands in for the network: keeps what was sent, and answers what a test says."""

    status: int | None = 204
    sent: list[Parcel] = field(default_factory=list)

    def __call__(self, parcel: Parcel, *, at: float, allowed: tuple[Network, ...]) -> Receipt:
        self.sent.append(parcel)
        taken = self.status is not None and self.status < 300
        return Receipt(self.status, "" if taken else f"The other side answered {self.status}.", 0.01)

    def delivery(self, database: Database) -> Delivery:
        """Make a worker's delivery."""
        return Delivery(database, Sender(VAULT, ORIGIN), self)


def a_subscription(database: Database, organization_id: str, *events: str, name: str = "siem") -> Subscription:
    """Subscribe a system to events."""
    address = f"https://{name}.contoso.com/hook"
    return database.run_now(
        lambda tx: records.add(tx, VAULT, organization_id, name, address, events, by="megan.bowen")
    )[0]


async def deliver(delivery: Delivery) -> int:
    """Send what is due now, once for each subscription, and return how many were tried."""
    taken = list(await delivery.take())
    for each in taken:
        await each
    return len(taken)


@dataclass
class Received:
    """What came to the system on this machine."""

    headers: dict[str, str]
    body: bytes


@contextmanager
def receiving(status: int = 204, headers: dict[str, str] | None = None) -> Iterator[tuple[str, list[Received]]]:
    """Serve a system that takes messages; gives its address and what came."""
    came: list[Received] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            came.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(status)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", came
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
