import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from sqlalchemy.exc import OperationalError

from ringfence import clock
from ringfence.app import App
from ringfence.errors import Unavailable
from ringfence.settings import Settings
from ringfence.storage import elsewhere
from ringfence.storage.database import make_url

HERE = (
    "sqlite:///x",
    "postgresql:///x",
    "postgresql://localhost/x",
    "postgresql://127.0.0.1:5433/x",
    "postgresql://[::1]/x",
    "postgresql:///x?host=/run/postgresql",
    "postgresql:///x?host=localhost:5432&host=/run/postgresql",
)
_CONTENT = b"SFATAL\0C28000\0Mnobody is let in here\0\0"
_ASKS_FOR_TLS = (80877103).to_bytes(4)


def protected(address: str, **environment: str) -> dict[str, str]:
    return dict(elsewhere.protected(sa.make_url(address), environment).query)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", HERE)
def test_on_this_machine_an_address_stays_as_it_is(address: str) -> None:
    url = sa.make_url(address)
    assert elsewhere.protected(url, {}) == url
    assert elsewhere.weakness(url, {}) is None


def test_on_another_machine_who_answers_has_to_prove_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    roots = ssl.get_default_verify_paths().cafile or "system"
    for address, environment in (
        ("postgresql://db.contoso.com/x", {}),
        ("postgresql://db.contoso.com/x", {"PGSSLMODE": "disable"}),
        ("postgresql://db.contoso.com/x?sslmode=verify-full", {}),
        ("postgresql://10.1.0.5/x", {}),
        ("postgresql:///x", {"PGHOST": "db.contoso.com"}),
    ):
        assert protected(address, **environment) == {"sslmode": "verify-full", "sslrootcert": roots}, address
    several = protected("postgresql:///x?host=/run/postgresql&host=db.contoso.com:5432")
    assert (several["sslmode"], protected("postgresql:///x?service=main")["sslmode"]) == ("verify-full", "verify-full")
    # Authorities that are named stay so, wherever libpq is told of them.
    assert protected("postgresql://db.contoso.com/x?sslrootcert=ca.pem")["sslrootcert"] == "ca.pem"
    assert "sslrootcert" not in protected("postgresql://db.contoso.com/x", PGSSLROOTCERT="ca.pem")
    (tmp_path / ".postgresql").mkdir()
    (tmp_path / ".postgresql" / "root.crt").touch()
    assert "sslrootcert" not in protected("postgresql://db.contoso.com/x")


def test_a_weaker_mode_stands_where_it_is_written_out_and_is_said_to_be_one() -> None:
    for mode in ("disable", "prefer", "require", "verify-ca"):
        url = sa.make_url(f"postgresql://db.contoso.com/x?sslmode={mode}")
        assert elsewhere.protected(url, {}) == url
        assert elsewhere.weakness(url, {}) == mode
    assert elsewhere.weakness(elsewhere.protected(sa.make_url("postgresql://db.contoso.com/x"), {}), {}) is None


@pytest.mark.parametrize(
    ("certified", "authority", "heard"),
    [
        ("db.contoso.com", "own", True),
        ("db.fabrikam.com", "own", False),
        ("db.contoso.com", "system", False),
        (None, "own", False),
    ],
    ids=["proven", "for another name", "by an authority that nobody named", "without TLS"],
)
def test_who_does_not_prove_who_they_are_never_hears_the_password(
    tmp_path: Path, certified: str | None, authority: str, *, heard: bool
) -> None:
    file = tmp_path / "server.pem"
    with _pretending(_context(file, certified) if certified else None) as (port, logins):
        own = f"&sslrootcert={file}" if authority == "own" and certified else ""
        address = f"postgresql://ringfence:orchid@db.contoso.com:{port}/x?hostaddr=127.0.0.1{own}"
        with pytest.raises(Unavailable) as refused:
            App.open(Settings(data=tmp_path, database_url=address))
    assert logins == ([b"ringfence"] if heard else [])
    assert "sslrootcert=FILE" in refused.value.advice
    assert ("nobody is let in" in refused.value.message) is heard


def test_the_address_that_the_settings_name_is_protected() -> None:
    assert make_url(Settings(database_url="postgresql://db.contoso.com/x")).query["sslmode"] == "verify-full"


def _context(file: Path, name: str) -> ssl.SSLContext:
    """Make a server's certificate that is its own authority, and write it into a file."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("192.0.2.1"))]
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(clock.now() - timedelta(days=1))
        .not_valid_after(clock.now() + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def _pretending(context: ssl.SSLContext | None) -> Iterator[tuple[int, list[bytes]]]:
    """Listen as PostgreSQL does, note who wants to log in, and let nobody; without a context no TLS is spoken."""
    logins: list[bytes] = []

    def talk(plain: socket.socket) -> None:
        asked = plain.recv(8)
        if asked[4:] != _ASKS_FOR_TLS or context is None:
            plain.sendall(b"N")
            return
        plain.sendall(b"S")
        with context.wrap_socket(plain, server_side=True) as protected_:
            said = protected_.recv(1000)
            if not said:
                return
            logins.append(said.split(b"\0user\0")[-1].partition(b"\0")[0])
            protected_.sendall(b"E" + (len(_CONTENT) + 4).to_bytes(4) + _CONTENT)

    def serve() -> None:
        while True:
            try:
                plain, _ = listener.accept()
            except OSError:
                return
            with plain:
                try:
                    talk(plain)
                except (ssl.SSLError, ConnectionError):
                    continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1], logins
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(20)


def test_what_cannot_be_reached_is_told_of_postgresql_only() -> None:
    failed = OperationalError("SELECT 1", {}, Exception("no route"))
    with (
        pytest.raises(Unavailable, match="The database cannot be reached: no route"),
        elsewhere.reaching(sa.make_url("postgresql://db.contoso.com/x")),
    ):
        raise failed
    with pytest.raises(OperationalError), elsewhere.reaching(sa.make_url("sqlite:///x")):
        raise failed
