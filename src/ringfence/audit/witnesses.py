"""Who keeps signed heads outside the database: a file, a syslog server (RFC 5424), or whoever takes a POST. Blocking."""

import ipaddress
import os
import socket
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import SplitResult, urlsplit

from ringfence import clock
from ringfence.audit.heads import SignedHead
from ringfence.errors import Misconfigured
from ringfence.settings import Settings

# Facility 13 (log audit), severity 5 (notice).
_PRIORITY: Final = 13 * 8 + 5
_TIMEOUT: Final = 10.0
_PORTS: Final = {"udp": 514, "tcp": 601, "tls": 6514}


class Witness(Protocol):
    """What keeps heads; `name` says which it is, without anything secret."""

    @property
    def name(self) -> str: ...

    def keep(self, heads: Sequence[SignedHead]) -> None:
        """Keep them, or raise OSError: they are given again later."""
        ...


class FileWitness:
    """A file of lines, best on another machine."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.name = str(path)

    def keep(self, heads: Sequence[SignedHead]) -> None:
        """Add them to the file."""
        append(self._path, heads)


class SyslogWitness:
    """A syslog server by `udp://`, `tcp://` or `tls://host:port`; one message of RFC 5424 for each head.

    Over TCP and TLS messages are framed by their length (RFC 6587, RFC 5425). `authority` is a file of certificates that
    the server's is checked against, in place of those that the system trusts. Misconfigured if the address is none.
    """

    def __init__(self, address: str, *, authority: Path | None = None) -> None:
        parts = _split(address, "RINGFENCE_AUDIT_HEAD_SYSLOG", "tls://log.contoso.com:6514")
        if parts.scheme not in _PORTS or parts.path.strip("/") or parts.query or parts.username:
            raise Misconfigured(
                f"{address[:100]!r} is not the address of a syslog server.",
                advice="Write RINGFENCE_AUDIT_HEAD_SYSLOG as tls://log.contoso.com:6514, or with tcp:// or udp://.",
            )
        assert parts.hostname is not None
        self._scheme, self._host = parts.scheme, parts.hostname
        self._port = parts.port or _PORTS[parts.scheme]
        self._authority = authority
        self.name = f"{self._scheme}://{self._host}:{self._port}"

    def keep(self, heads: Sequence[SignedHead]) -> None:
        """Send them; over UDP nobody says whether they came."""
        messages = [message(head) for head in heads]
        if self._scheme == "udp":
            family, *_, address = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, socket.SOCK_DGRAM) as datagrams:
                for each in messages:
                    datagrams.sendto(each, address)
            return
        with socket.create_connection((self._host, self._port), timeout=_TIMEOUT) as plain:
            if self._scheme == "tcp":
                _stream(plain, messages)
                return
            context = ssl.create_default_context(cafile=str(self._authority) if self._authority else None)
            with context.wrap_socket(plain, server_hostname=self._host) as protected:
                _stream(protected, messages)


class WebhookWitness:
    """An address that takes heads by POST, one line of JSON for each (application/x-ndjson), and says 2xx."""

    def __init__(self, address: str, *, token: str = "", authority: Path | None = None) -> None:
        parts = _split(address, "RINGFENCE_AUDIT_HEAD_WEBHOOK", "https://log.contoso.com/heads")
        if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(parts.hostname or "")):
            raise Misconfigured(
                "The heads of the audit log are posted by https only.",
                advice="Write RINGFENCE_AUDIT_HEAD_WEBHOOK as https://log.contoso.com/heads.",
            )
        self._address, self._token, self._authority = address, token, authority
        self.name = f"{parts.scheme}://{parts.hostname}"

    def keep(self, heads: Sequence[SignedHead]) -> None:
        """Post them; a redirect is not followed, because the token must not go elsewhere."""
        # Loading it takes longer than most commands, and most do without.
        import httpx

        headers = {"Content-Type": "application/x-ndjson"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        verify = ssl.create_default_context(cafile=str(self._authority)) if self._authority else True
        body = "".join(f"{head.line()}\n" for head in heads).encode()
        try:
            with httpx.Client(timeout=_TIMEOUT, verify=verify, trust_env=False) as client:
                status = client.post(self._address, content=body, headers=headers).status_code
        except httpx.HTTPError as error:
            raise OSError(f"{self.name} was not reached ({type(error).__name__})") from error
        if not 200 <= status < 300:
            raise OSError(f"{self.name} answered {status}")


def witnesses(settings: Settings) -> list[Witness]:
    """Return those that the settings name: always a file, and a syslog server and a webhook where they are said."""
    found: list[Witness] = [FileWitness(settings.audit_heads_file)]
    authority = settings.audit_head_authority
    if settings.audit_head_syslog:
        found.append(SyslogWitness(settings.audit_head_syslog, authority=authority))
    if settings.audit_head_webhook:
        token = settings.audit_head_webhook_token.get_secret_value() if settings.audit_head_webhook_token else ""
        found.append(WebhookWitness(settings.audit_head_webhook, token=token, authority=authority))
    return found


def append(path: Path, heads: Iterable[SignedHead]) -> None:
    """Add heads to a file, whole lines at once, and see that they are on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    with os.fdopen(descriptor, "ab") as file:
        file.write("".join(f"{head.line()}\n" for head in heads).encode())
        file.flush()
        os.fsync(file.fileno())


def message(head: SignedHead) -> bytes:
    """Return a head as a message of RFC 5424, whose text is its line of a heads file."""
    host = "".join(each for each in socket.gethostname() if "!" <= each <= "~")[:255] or "-"
    at = clock.iso(clock.now())
    return f"<{_PRIORITY}>1 {at} {host} ringfence {os.getpid()} audit-head - {head.line()}".encode()


def _stream(connection: socket.socket, messages: Iterable[bytes]) -> None:
    connection.sendall(b"".join(b"%d %s" % (len(each), each) for each in messages))


def _split(address: str, setting: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(address.strip())
        if not parts.hostname or parts.port == 0:
            raise ValueError
    except ValueError:
        raise Misconfigured(f"{setting} is no address.", advice=f"Write it as {example}.") from None
    return parts


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
