"""Read the certificate with which an application signs in, from the files that people have: PEM, or PFX (PKCS #12)."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from ringfence import clock
from ringfence.errors import Invalid

LARGEST: Final = 100_000
"""Bytes of a certificate's file that are read at most."""

_KEY_MARK: Final = b"PRIVATE KEY-----"
_CERTIFICATE_MARK: Final = b"-----BEGIN CERTIFICATE-----"


class PasswordNeeded(Invalid):
    """The file is protected by a password, and none was given."""

    code = "password_needed"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key as unprotected PEM, to be sealed; the thumbprint is as the portal shows it."""

    pem: str = field(repr=False)
    thumbprint: str
    expires_at: datetime


def read(file: bytes, key_file: bytes | None = None, password: str = "") -> Certificate:
    """Read a certificate and its RSA key from a PEM or PFX file, or the key from a PEM file of its own.

    Invalid for files that cannot be used, a key of another certificate, and a certificate that has expired;
    PasswordNeeded if the key is protected and no password was given.
    """
    for each in (file, key_file or b""):
        if len(each) > LARGEST:
            raise Invalid(
                "The file is too large for a certificate.",
                advice=f"A certificate with its chain and its key has less than {LARGEST // 1000} kilobytes.",
            )
    if _CERTIFICATE_MARK in file or _KEY_MARK in file:
        key, chain = _of_pem(file, file if key_file is None else key_file, password)
    elif key_file is not None:
        raise Invalid(
            "The certificate's file is not in PEM form, and a key file was given.",
            advice="A PFX file holds its key itself: leave --key out. Else give the certificate in PEM form.",
        )
    else:
        key, chain = _of_pfx(file, password)
    return _checked(key, chain)


def generate(name: str, *, days: int = 365) -> Certificate:
    """Make a key and a self-signed certificate for it; only the certificate is to be uploaded to the app registration."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, f"Ringfence {name.strip()}"[:64])])
    now = clock.now()
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # Clocks differ: it is to be good at once.
        .not_valid_before(now - timedelta(minutes=10))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
    )
    return _checked(key, [made])


def public_part(pem: str) -> str:
    """Return the certificates of what `read` or `generate` gave, without the key; Invalid where there is none."""
    begin = pem.find(_CERTIFICATE_MARK.decode())
    if begin < 0:
        raise Invalid("There is no certificate.", advice="Make one, or upload one, first.")
    return pem[begin:]


def thumbprint(public: str) -> str:
    """Return the thumbprint (SHA-1, 40 hex digits, as the portal shows it) of a certificate in PEM form."""
    return x509.load_pem_x509_certificate(public.encode()).fingerprint(hashes.SHA1()).hex().upper()


def _of_pem(file: bytes, key_file: bytes, password: str) -> tuple[object, list[x509.Certificate]]:
    try:
        chain = x509.load_pem_x509_certificates(file)
    except ValueError as error:
        raise Invalid(
            "There is no certificate in the file that can be read.",
            advice="Give the application's certificate in PEM form (-----BEGIN CERTIFICATE-----), or a PFX file.",
        ) from error
    begin = key_file.find(b"-----BEGIN ", max(0, key_file.find(_KEY_MARK) - 40))
    end = key_file.find(_KEY_MARK, key_file.find(_KEY_MARK) + 1)
    if _KEY_MARK not in key_file or begin < 0 or end < 0:
        raise Invalid(
            "There is no private key beside the certificate.",
            advice="Give the key's file as well (--key FILE), or a file that holds both.",
        )
    return _pem_key(key_file[begin : end + len(_KEY_MARK)], password), chain


def _pem_key(pem: bytes, password: str) -> object:
    try:
        return serialization.load_pem_private_key(pem, password.encode() if password else None)
    except TypeError as error:
        if password:
            # It is not protected at all: the password was meant for something else, and does no harm.
            return _pem_key(pem, "")
        raise _password_needed("The private key is protected by a password.") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _unreadable_key(password) from error


def _of_pfx(file: bytes, password: str) -> tuple[object, list[x509.Certificate]]:
    try:
        found = pkcs12.load_pkcs12(file, password.encode() if password else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        # A wrong password and a broken file look alike; without a password the former is likelier.
        if not password and file[:1] == b"\x30":
            raise _password_needed("The PFX file is protected by a password, or damaged.") from error
        raise _unreadable_key(password) from error
    if found.cert is None or found.key is None:
        raise Invalid(
            "The PFX file does not hold both a certificate and its private key.",
            advice="Export it again, together with its private key.",
        )
    return found.key, [found.cert.certificate, *(each.certificate for each in found.additional_certs)]


def _checked(key: object, chain: list[x509.Certificate]) -> Certificate:
    if not isinstance(key, rsa.RSAPrivateKey):
        raise Invalid("The private key is not an RSA key.", advice="Sign-in by certificate needs an RSA key.")
    numbers = key.public_key().public_numbers()
    own = [each for each in chain if _public_numbers(each) == numbers]
    if not own:
        raise Invalid(
            "The certificate does not belong to the private key.",
            advice="Give the certificate that was made for this key.",
        )
    leaf = own[0]
    expires_at = leaf.not_valid_after_utc
    if expires_at <= clock.now():
        raise Invalid(
            f"The certificate expired on {expires_at.date().isoformat()}.",
            advice="Make a new one, upload it to the app registration (Certificates & secrets), and give that.",
        )
    form = serialization.PrivateFormat.PKCS8
    parts = [key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())]
    parts += [each.public_bytes(serialization.Encoding.PEM) for each in (leaf, *(one for one in chain if one != leaf))]
    # Not a use of SHA-1 as a proof: it is the name under which the app registration lists the certificate.
    return Certificate(b"".join(parts).decode(), leaf.fingerprint(hashes.SHA1()).hex().upper(), expires_at)


def _public_numbers(certificate: x509.Certificate) -> rsa.RSAPublicNumbers | None:
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_numbers() if isinstance(key, rsa.RSAPublicKey) else None


def _password_needed(message: str) -> PasswordNeeded:
    return PasswordNeeded(message, advice="Give its password on stdin: --password-stdin.")


def _unreadable_key(password: str) -> Invalid:
    if password:
        return Invalid(
            "The private key cannot be read with this password.",
            advice="Check the password, and that the file is whole.",
        )
    return Invalid(
        "The file holds no private key that can be read.",
        advice="Give a PEM file, a PEM certificate with --key FILE, or a PFX file with its password.",
    )
