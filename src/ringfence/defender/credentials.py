"""What an application proves itself with: a client secret or a certificate."""

import contextlib
import hashlib
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ringfence.defender.errors import InvalidArgument

_KEY: Final = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


class Credential(ABC):
    """What an application proves itself with."""

    client_id: str

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """Return a text that tells credentials apart and reveals nothing."""

    @property
    @abstractmethod
    def secrets(self) -> tuple[str, ...]:
        """Return the texts that no message may contain."""

    @abstractmethod
    def for_msal(self) -> str | dict[str, Any]:
        """Return MSAL's `client_credential`."""


@dataclass(frozen=True, repr=False)
class ClientSecret(Credential):
    """A client secret of an app registration: the secret's value, not its id."""

    client_id: str
    value: str

    def __post_init__(self) -> None:
        if not self.client_id.strip() or not self.value:
            raise InvalidArgument("The client id or the client secret is empty.", advice="Enter both.")

    def __repr__(self) -> str:
        return f"ClientSecret({self.client_id!r}, fingerprint={self.fingerprint!r})"

    @property
    def fingerprint(self) -> str:
        """Return the first 16 hex digits of a SHA-256 over client id and secret."""
        return hashlib.sha256(f"secret\0{self.client_id}\0{self.value}".encode()).hexdigest()[:16]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secret."""
        return (self.value,)

    def for_msal(self) -> str:
        """Return the secret as MSAL takes it."""
        return self.value


@dataclass(frozen=True, repr=False)
class ClientCertificate(Credential):
    """A certificate of an app registration.

    `pem` holds the RSA private key and, unless `thumbprint` (SHA-1, 40 hex digits) names it, the certificate; `passphrase`
    opens an encrypted key. Raises InvalidArgument for a key that cannot be read or does not belong to the certificate.
    """

    client_id: str
    pem: str
    thumbprint: str = ""
    passphrase: str = ""
    _key: str = field(init=False, default="")
    _certificate: str = field(init=False, default="")

    def __post_init__(self) -> None:
        if not self.client_id.strip():
            raise InvalidArgument("The client id is empty.", advice="Enter the application (client) id.")
        block, key = _private_key(self.pem, self.passphrase)
        object.__setattr__(self, "_key", block)
        begin = self.pem.find("-----BEGIN CERTIFICATE-----")
        if begin >= 0:
            object.__setattr__(self, "_certificate", _certificate(self.pem[begin:], key))
        digits = self.thumbprint.replace(":", "").replace(" ", "").upper()
        object.__setattr__(self, "thumbprint", digits)
        if not self._certificate and (len(digits) != 40 or not set(digits) <= set("0123456789ABCDEF")):
            raise InvalidArgument(
                "There is neither a certificate beside the private key nor a thumbprint of 40 hex digits.",
                advice="Append the certificate to the PEM text, or copy the thumbprint from the app registration.",
            )

    def __repr__(self) -> str:
        return f"ClientCertificate({self.client_id!r}, fingerprint={self.fingerprint!r})"

    @property
    def fingerprint(self) -> str:
        """Return the first 16 hex digits of a SHA-256 over client id, key and certificate."""
        text = f"certificate\0{self.client_id}\0{self.pem}\0{self.thumbprint}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the key and what opens it."""
        return (self.pem, self.passphrase)

    def for_msal(self) -> dict[str, Any]:
        """Return key and certificate as MSAL takes them: signed with PS256 where the certificate is known, else RS256."""
        given = {"private_key": self._key, "passphrase": self.passphrase or None}
        if self._certificate:
            return {**given, "public_certificate": self._certificate}
        return {**given, "thumbprint": self.thumbprint}


def _private_key(pem: str, passphrase: str) -> tuple[str, rsa.RSAPrivateKey]:
    found = _KEY.search(pem)
    key: object = None
    if found:
        try:
            key = serialization.load_pem_private_key(found[0].encode(), passphrase.encode() if passphrase else None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, rsa.RSAPrivateKey):
            return found[0], key
    raise InvalidArgument(
        "The private key cannot be read.",
        advice="Give an RSA private key as PEM text (-----BEGIN PRIVATE KEY-----), and its passphrase if it has one.",
    )


def _certificate(pem: str, key: rsa.RSAPrivateKey) -> str:
    """Return the certificates of a PEM text; the first must be the key's own."""
    public: object = None
    with contextlib.suppress(ValueError):
        public = x509.load_pem_x509_certificate(pem.encode()).public_key()
    if isinstance(public, rsa.RSAPublicKey) and public.public_numbers() == key.public_key().public_numbers():
        end = "-----END CERTIFICATE-----"
        return pem[: pem.rfind(end) + len(end)]
    raise InvalidArgument(
        "The certificate cannot be read, or does not belong to the private key.",
        advice="Put the application's own certificate first, in PEM form.",
    )
