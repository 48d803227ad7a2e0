import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from ringfence.errors import Misconfigured
from ringfence.settings import Settings
from ringfence.web import certificate
from ringfence.web.certificate import Certificate

UNTIL = datetime(2040, 1, 1, tzinfo=UTC)


def write(folder: Path, name: str) -> tuple[Path, Path]:
    """Write a new self-signed certificate and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(UNTIL - timedelta(days=9000))
        .not_valid_after(UNTIL)
        .sign(key, hashes.SHA256())
    )
    chain, private = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, private


async def seen(context: ssl.SSLContext) -> str:
    """Return the name in the certificate that a new connection is shown."""
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=context)
    trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=trusting)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    server.close()
    return x509.load_der_x509_certificate(shown).subject.rfc4514_string()


async def test_a_renewed_certificate_is_shown_without_a_restart(tmp_path: Path) -> None:
    found = Certificate(*write(tmp_path, "first"))
    assert await seen(found.context) == "CN=first"
    assert not found.refresh()
    write(tmp_path, "second")
    assert found.refresh()
    assert await seen(found.context) == "CN=second"


async def test_what_cannot_be_used_leaves_the_one_before(tmp_path: Path) -> None:
    chain, key = write(tmp_path, "first")
    found = Certificate(chain, key)
    own = key.read_bytes()
    write(tmp_path, "second")
    # Only half of the pair has been renewed.
    key.write_bytes(own)
    assert not found.refresh()
    chain.unlink()
    assert not found.refresh()
    assert await seen(found.context) == "CN=first"


def test_it_says_until_when_it_is_good(tmp_path: Path) -> None:
    chain, _ = write(tmp_path, "first")
    assert certificate.expires_at(chain) == UNTIL


def test_what_is_no_certificate_is_explained(tmp_path: Path) -> None:
    chain, key = write(tmp_path, "first")
    assert certificate.of(Settings(data=tmp_path)) is None
    assert certificate.of(Settings(data=tmp_path, tls_certificate=chain, tls_key=key)) is not None
    with pytest.raises(Misconfigured, match="no certificate"):
        certificate.of(Settings(data=tmp_path, tls_key=key))
    with pytest.raises(Misconfigured, match="There is no certificate in"):
        certificate.of(Settings(data=tmp_path, tls_certificate=key))
    with pytest.raises(Misconfigured, match="cannot be used"):
        certificate.of(Settings(data=tmp_path, tls_certificate=chain))


async def test_what_comes_unencrypted_is_answered_nothing(tmp_path: Path) -> None:
    heard: list[bytes] = []

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())

    found = Certificate(*write(tmp_path, "first"))
    server = await asyncio.start_server(hear, "127.0.0.1", 0, ssl=found.context)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(b"GET /api/v1/alerts HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer rf_secret\r\n\r\n")
    assert b"HTTP" not in await reader.read()
    writer.close()
    server.close()
    assert heard == []


@pytest.mark.parametrize(
    ("version", "spoken"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_nothing_older_than_tls_1_2_is_spoken(tmp_path: Path, version: ssl.TLSVersion, spoken: bool) -> None:
    found = Certificate(*write(tmp_path, "first"))
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0, ssl=found.context)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.set_ciphers("ALL:@SECLEVEL=0")
    client.minimum_version = client.maximum_version = version
    try:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), ssl=client)
        writer.close()
    except (ssl.SSLError, ConnectionError):
        assert not spoken
    else:
        assert spoken
    server.close()
