"""A certificate authority of this machine's own, so that unmodified clients accept the simulator as Microsoft.

Its certificate is confined to the hosts that the simulator stands in for: whoever trusts it, or steals its key, has
gained nothing about any other name.
"""

import ipaddress
import os
import ssl
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence.simulator import hosts
from ringfence.simulator.clock import SimulatorClock

_YEAR = timedelta(days=365)
_MONTH = timedelta(days=30)
_DAY = timedelta(days=1)


class AuthorityError(Exception):
    """The authority's files cannot be used; the message says what to do."""


class Authority:
    """Issue server certificates. `folder` holds ca.pem, which clients have to trust, and ca.key, for the owner alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.certificate_path = folder / "ca.pem"
        self._key_path = folder / "ca.key"
        self._contexts: dict[str, ssl.SSLContext] = {}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._key, self._certificate = self._load() or self._make()
        except (OSError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as problem:
            raise AuthorityError(
                f"{folder} cannot hold the certificate authority: {problem}. Remove ca.pem and ca.key there, or give "
                "another folder with --ca-dir."
            ) from problem
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        if not self._key_path.exists() or not self.certificate_path.exists():
            return None
        key = serialization.load_pem_private_key(self._key_path.read_bytes(), password=None)
        certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        if not isinstance(key, ec.EllipticCurvePrivateKey) or certificate.public_key() != key.public_key():
            raise ValueError("ca.key does not belong to ca.pem")
        if certificate.not_valid_after_utc - _MONTH < _now():
            return None
        return key, certificate

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Ringfence simulator, not Microsoft")
        public = key.public_key()
        certificate = (
            _builder(name, name, public, _YEAR)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
            .add_extension(_confinement(), critical=True)
            .sign(key, hashes.SHA256())
        )
        self._key_path.unlink(missing_ok=True)
        with open(os.open(self._key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(_private(key))
        self.certificate_path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS side of a listener: it shows each client a certificate for the host that it asks for."""
        context = self._context("localhost")
        context.sni_callback = self._choose
        return context

    def _choose(self, connection: ssl.SSLObject | ssl.SSLSocket, name: str | None, _: ssl.SSLContext) -> int | None:
        if name is None or name.lower() in hosts.LOCAL:
            return None
        if not hosts.stands_in_for(name):
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        connection.context = self._context(name.lower().rstrip("."))
        return None

    def _context(self, host: str) -> ssl.SSLContext:
        context = self._contexts.get(host)
        if context is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            with tempfile.NamedTemporaryFile(dir=self.folder, suffix=".pem") as file:
                file.write(self._issue(host).public_bytes(serialization.Encoding.PEM) + _private(self._leaf_key))
                file.flush()
                context.load_cert_chain(file.name)
            self._contexts[host] = context
        return context

    def _issue(self, host: str) -> x509.Certificate:
        names: list[x509.GeneralName] = [x509.DNSName(host)]
        if host == "localhost":
            names += [x509.IPAddress(ipaddress.ip_address(text)) for text in ("127.0.0.1", "::1")]
        public = self._leaf_key.public_key()
        return (
            _builder(_name(host[:64]), self._certificate.subject, public, _MONTH)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


def _now() -> datetime:
    """Return the machine's time: certificates are judged by it, whatever the simulated time is."""
    return datetime.fromtimestamp(SimulatorClock().now(), UTC)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, lifetime: timedelta
) -> x509.CertificateBuilder:
    now = _now()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + lifetime)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _confinement() -> x509.NameConstraints:
    names: list[x509.GeneralName] = [x509.DNSName(name) for name in (*hosts.DOMAINS, "localhost")]
    addresses: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_network(text)) for text in ("127.0.0.1/32", "::1/128")
    ]
    return x509.NameConstraints(permitted_subtrees=[*names, *addresses], excluded_subtrees=None)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
