"""Run programs that know nothing of us, with the simulator in the place of Microsoft's hosts."""

import asyncio
import os
from dataclasses import dataclass
from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from ringfence import clock
from ringfence.simulator import Tls


@dataclass(frozen=True)
class Finished:
    """How a program ended, and what it wrote."""

    code: int
    output: str
    errors: str


async def run(command: list[str], tls: Tls, **environment: str) -> Finished:
    """Run a program to its end; the environment leads it to the simulator, as an operator would set it."""
    certificate = str(tls.authority.certificate_path)
    kept = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    trust = {"HTTPS_PROXY": tls.proxy, "SSL_CERT_FILE": certificate, "REQUESTS_CA_BUNDLE": certificate}
    process = await asyncio.create_subprocess_exec(
        *command, env=kept | trust | environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    return Finished(process.returncode or 0, output.decode(), errors.decode())


@dataclass(frozen=True)
class Pair:
    """A key and its certificate, in PEM."""

    key: str
    certificate: str


def key_pair(days: float = 30, name: str = "ringfence") -> Pair:
    """Make a key and a certificate that an application can be registered with; negative days make one that has expired."""
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    end = clock.now() + timedelta(days=days)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(end, clock.now()) - timedelta(days=1))
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    form = serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    return Pair(pem.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode())
