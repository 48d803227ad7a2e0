import contextlib
from datetime import timedelta
from functools import cache

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from hypothesis import given
from hypothesis import strategies as st

from outside import Pair, key_pair
from ringfence import clock
from ringfence.accounts.certificates import LARGEST, Certificate, PasswordNeeded, generate, public_part, read
from ringfence.defender import ClientCertificate
from ringfence.errors import Invalid

PASSWORD = "0pen~sesame"


@cache
def pair(number: int = 0) -> Pair:
    """Return a key and its certificate, made once."""
    return key_pair(name=f"app-{number}")


def protected(one: Pair) -> bytes:
    """Return the key as a PEM that only the password opens."""
    key = serialization.load_pem_private_key(one.key.encode(), None)
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(PASSWORD.encode())
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def pfx(one: Pair, password: str = PASSWORD) -> bytes:
    """Return a PFX file."""
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password.encode())
    key = serialization.load_pem_private_key(one.key.encode(), None)
    certificate = x509.load_pem_x509_certificate(one.certificate.encode())
    assert isinstance(key, rsa.RSAPrivateKey)
    return pkcs12.serialize_key_and_certificates(b"app", key, certificate, None, encryption)


def test_every_form_of_the_same_certificate_reads_alike() -> None:
    one = pair()
    key, certificate = one.key.encode(), one.certificate.encode()
    expected = read(certificate + key)
    for found in (
        read(key + certificate),
        read(certificate, key),
        read(certificate, protected(one), PASSWORD),
        read(protected(one) + certificate, password=PASSWORD),
        read(pfx(one), password=PASSWORD),
        read(pfx(one, "")),
        read(certificate + key, password="not needed"),
    ):
        assert found == expected
    parsed = x509.load_pem_x509_certificate(certificate)
    assert expected.thumbprint == parsed.fingerprint(hashes.SHA1()).hex().upper()
    assert expected.expires_at == parsed.not_valid_after_utc
    assert "PRIVATE" not in repr(expected)
    assert ClientCertificate("app-1", expected.pem).fingerprint


def test_the_applications_own_certificate_goes_first_and_the_chain_is_kept() -> None:
    one, other = pair(), pair(1)
    found = read((other.certificate + one.certificate + one.key).encode())
    chain = x509.load_pem_x509_certificates(found.pem.encode())
    assert [each.subject.rfc4514_string() for each in chain] == ["CN=app-0", "CN=app-1"]


def test_a_password_is_asked_for_only_where_there_is_one() -> None:
    one = pair()
    for file, key in ((pfx(one), None), (protected(one) + one.certificate.encode(), None)):
        with pytest.raises(PasswordNeeded, match="protected by a password") as caught:
            read(file, key)
        assert "--password-stdin" in caught.value.advice
        with pytest.raises(Invalid, match="cannot be read with this password"):
            read(file, key, "wrong")


def test_what_is_no_certificate_is_said_with_what_to_do() -> None:
    one, other = pair(), pair(1)
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    elliptic = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    certificate = one.certificate.encode()
    expired = key_pair(days=-3)
    cases: list[tuple[bytes, bytes | None, str]] = [
        (b"", None, "holds no private key that can be read"),
        (b"not a certificate", None, "holds no private key"),
        (certificate, None, "no private key beside the certificate"),
        (one.key.encode(), None, "no certificate in the file"),
        (certificate, b"nothing", "no private key beside"),
        (certificate, other.key.encode(), "does not belong to the private key"),
        (certificate, elliptic, "not an RSA key"),
        (pfx(one), one.key.encode(), "not in PEM form, and a key file was given"),
        (b"x" * (LARGEST + 1), None, "too large"),
        ((expired.certificate + expired.key).encode(), None, "expired on "),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", None, "no certificate in the file"),
        (certificate, b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "holds no private key"),
    ]
    for file, key_file, said in cases:
        with pytest.raises(Invalid, match=said) as caught:
            read(file, key_file)
        assert caught.value.advice


def test_a_certificate_is_good_until_its_last_moment() -> None:
    one = pair()
    file = (one.certificate + one.key).encode()
    expires_at = read(file).expires_at
    clock.replace(lambda: (expires_at - timedelta(seconds=1)).timestamp())
    assert isinstance(read(file), Certificate)
    clock.replace(expires_at.timestamp)
    with pytest.raises(Invalid, match="expired"):
        read(file)


@given(file=st.binary(max_size=200), cut=st.integers(0, 4_000), password=st.text(max_size=5))
def test_a_damaged_file_is_refused_and_nothing_else(file: bytes, cut: int, password: str) -> None:
    one = pair()
    whole = (one.key + one.certificate).encode()
    for damaged in (file, whole[:cut] + file + whole[cut + 1 :]):
        with contextlib.suppress(Invalid):
            assert read(damaged, password=password).thumbprint


def test_a_certificate_is_made_here_and_its_public_part_has_no_key() -> None:
    made = generate("contoso " * 20, days=30)
    assert read(made.pem.encode()).thumbprint == made.thumbprint
    public = public_part(made.pem)
    assert "PRIVATE" not in public
    assert x509.load_pem_x509_certificate(public.encode()).subject.rfc4514_string().startswith("CN=Ringfence contoso")
    with pytest.raises(Invalid):
        public_part("a secret")
