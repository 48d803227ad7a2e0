import ipaddress
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from ringfence import clock
from ringfence.audit.heads import SignedHead, Signer, read
from ringfence.audit.log import Head
from ringfence.audit.witnesses import FileWitness, SyslogWitness, WebhookWitness, message, witnesses
from ringfence.errors import Misconfigured
from ringfence.settings import Settings

RFC_5424 = re.compile(r"<109>1 \d{4}-\d\d-\d\dT[\d:.]+Z \S+ ringfence \d+ audit-head - (\{.*\})\Z")


@pytest.fixture
def heads(tmp_path: Path) -> list[SignedHead]:
    signer = Signer(tmp_path)
    return [signer.sign(Head("contoso", 7, "a" * 64)), signer.sign(Head("fabrikam", 2, "b" * 64))]


@contextmanager
def _listening(context: ssl.SSLContext | None = None) -> Iterator[tuple[int, Callable[[], bytes]]]:
    """Listen on a free port; the second value waits for what the one connection said."""
    said: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)

        def take() -> None:
            connection, _ = server.accept()
            connection.settimeout(20)
            try:
                with context.wrap_socket(connection, server_side=True) if context else connection as open_:
                    while piece := open_.recv(65_536):
                        said.append(piece)
            except ssl.SSLError:
                return

        thread = threading.Thread(target=take)
        thread.start()

        def heard() -> bytes:
            thread.join(20)
            return b"".join(said)

        yield server.getsockname()[1], heard
        thread.join(20)


def _framed(content: bytes) -> list[str]:
    found = []
    while content:
        length, _, rest = content.partition(b" ")
        found.append(rest[: int(length)].decode())
        content = rest[int(length) :]
    return found


def _certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a server's certificate for 127.0.0.1 that is its own authority."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "log")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "log.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    both = folder / "both.pem"
    both.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return context, file


def test_a_head_is_a_message_of_rfc_5424_that_ends_in_its_line(heads: list[SignedHead]) -> None:
    found = RFC_5424.match(message(heads[0]).decode())
    assert found is not None
    assert SignedHead.of(found[1]) == heads[0]


def test_a_syslog_server_gets_a_datagram_for_each_head(heads: list[SignedHead]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(20)
        SyslogWitness(f"udp://127.0.0.1:{server.getsockname()[1]}").keep(heads)
        assert read([server.recv(65_536).decode() for _ in heads]) == heads


def test_over_tcp_messages_are_framed_by_their_length(heads: list[SignedHead]) -> None:
    with _listening() as (port, heard):
        SyslogWitness(f"tcp://127.0.0.1:{port}").keep(heads)
        assert read(_framed(heard())) == heads


def test_over_tls_the_server_is_checked_against_the_authority_that_is_said(
    heads: list[SignedHead], tmp_path: Path
) -> None:
    context, authority = _certificate(tmp_path)
    with _listening(context) as (port, heard):
        witness = SyslogWitness(f"tls://127.0.0.1:{port}", authority=authority)
        witness.keep(heads)
        assert read(_framed(heard())) == heads
    with _listening(context) as (port, heard):
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            SyslogWitness(f"tls://127.0.0.1:{port}").keep(heads)
        assert heard() == b""


def test_a_webhook_is_posted_lines_with_its_token_and_must_say_that_it_took_them(heads: list[SignedHead]) -> None:
    taken: list[tuple[str | None, str]] = []
    answers = [200, 503, 302]

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.append((self.headers["Authorization"], body))
            self.send_response(answers[len(taken) - 1])
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        witness = WebhookWitness(f"http://127.0.0.1:{server.server_port}/heads", token="s3cret")
        witness.keep(heads)
        for status in (503, 302):
            with pytest.raises(OSError, match=f"answered {status}"):
                witness.keep(heads)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    with pytest.raises(OSError, match="was not reached"):
        witness.keep(heads)
    assert taken[0][0] == "Bearer s3cret"
    assert read(taken[0][1].splitlines()) == heads
    assert "s3cret" not in witness.name


def test_an_address_that_is_none_is_refused_before_anything_is_sent() -> None:
    for address in ("log.contoso.com", "http://log.contoso.com", "tls://", "tcp://log.contoso.com:x", "tls://a:0"):
        with pytest.raises(Misconfigured):
            SyslogWitness(address)
    for address in ("http://log.contoso.com/heads", "ftp://log.contoso.com", "nonsense"):
        with pytest.raises(Misconfigured):
            WebhookWitness(address)


def test_the_settings_say_which_witnesses_there_are(tmp_path: Path) -> None:
    assert [type(each) for each in witnesses(Settings(data=tmp_path))] == [FileWitness]
    settings = Settings(
        data=tmp_path,
        audit_head_syslog="tls://log.contoso.com",
        audit_head_webhook="https://log.contoso.com/heads?x=1",
    )
    assert [each.name for each in witnesses(settings)] == [
        str(tmp_path / "audit-heads.jsonl"),
        "tls://log.contoso.com:6514",
        "https://log.contoso.com",
    ]
