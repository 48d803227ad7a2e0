"""What an application proves itself with, and that nothing of it is shown."""

from datetime import UTC, datetime, timedelta
from functools import cache

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from microsoft import SECRET, Microsoft, answer
from ringfence.defender import ClientCertificate, ClientSecret, InvalidArgument, TokenCache

THUMBPRINT = "0123456789ABCDEF0123456789ABCDEF01234567"


@cache
def key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@cache
def key_pem(number: int, passphrase: str = "") -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.PKCS8
    return key(number).private_bytes(serialization.Encoding.PEM, form, encryption).decode()


@cache
def certificate_pem(number: int) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "contoso")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key(number).public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=3650))
        .sign(key(number), hashes.SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM).decode()


def test_fingerprints_tell_credentials_apart() -> None:
    one = ClientSecret("app-1", SECRET)
    assert one.fingerprint == ClientSecret("app-1", SECRET).fingerprint
    assert one.fingerprint != ClientSecret("app-2", SECRET).fingerprint
    assert one.fingerprint != ClientSecret("app-1", "other").fingerprint
    assert SECRET not in one.fingerprint
    certificate = ClientCertificate("app-1", key_pem(0), THUMBPRINT)
    assert certificate.fingerprint != ClientCertificate("app-1", key_pem(1), THUMBPRINT).fingerprint
    assert certificate.fingerprint != ClientCertificate("app-1", key_pem(0), THUMBPRINT[::-1]).fingerprint


@pytest.mark.parametrize(("client_id", "value"), [("", "x"), (" ", "x"), ("x", "")])
def test_an_empty_credential_is_refused(client_id: str, value: str) -> None:
    with pytest.raises(InvalidArgument):
        ClientSecret(client_id, value)


@pytest.mark.parametrize("order", ["key first", "certificate first"])
@pytest.mark.parametrize("passphrase", ["", "opener"])
async def test_a_certificate_signs_in_without_sending_its_key(order: str, passphrase: str) -> None:
    parts = [key_pem(0, passphrase), certificate_pem(0)]
    credential = ClientCertificate("app-1", "\n".join(parts if order == "key first" else parts[::-1]), "", passphrase)
    microsoft = Microsoft(answer({"id": "m"}))
    async with microsoft.client(credential=credential) as defender:
        await defender.get_machine("m")
    form = microsoft.sign_ins[0]
    assert "client_secret" not in form
    assertion = form["client_assertion"][0]
    assert jwt.get_unverified_header(assertion)["alg"] == "PS256"
    claims = jwt.decode(assertion, key(0).public_key(), algorithms=["PS256"], options={"verify_aud": False})
    assert claims["iss"] == claims["sub"] == "app-1"


async def test_a_thumbprint_stands_for_the_certificate() -> None:
    spaced = " ".join(THUMBPRINT.lower()[place : place + 2] for place in range(0, 40, 2))
    credential = ClientCertificate("app-1", key_pem(0), spaced)
    assert credential.thumbprint == THUMBPRINT
    microsoft = Microsoft(answer({"id": "m"}))
    async with microsoft.client(credential=credential) as defender:
        await defender.get_machine("m")
    header = jwt.get_unverified_header(microsoft.sign_ins[0]["client_assertion"][0])
    assert header["alg"] == "RS256"
    assert "x5t" in header


def test_nothing_of_a_credential_is_shown() -> None:
    credential = ClientCertificate("app-1", key_pem(0, "opener") + certificate_pem(0), passphrase="opener")
    assert "PRIVATE" not in repr(credential)
    assert "opener" not in repr(credential)
    assert credential.secrets == (credential.pem, "opener")
    assert SECRET not in repr(ClientSecret("app-1", SECRET))


def _elliptic() -> str:
    made = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    return made.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


@pytest.mark.parametrize(
    ("pem", "thumbprint", "passphrase", "said"),
    [
        ("", THUMBPRINT, "", "private key"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", THUMBPRINT, "", "private key"),
        ("é", THUMBPRINT, "", "private key"),
        (_elliptic(), THUMBPRINT, "", "private key"),
        (key_pem(0, "opener"), THUMBPRINT, "", "private key"),
        (key_pem(0, "opener"), THUMBPRINT, "wrong", "private key"),
        (key_pem(0), "", "", "thumbprint"),
        (key_pem(0), "12", "", "thumbprint"),
        (key_pem(0), "Z" * 40, "", "thumbprint"),
        (key_pem(0) + certificate_pem(1), "", "", "does not belong"),
        (key_pem(0) + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "", "", "certificate"),
    ],
    # Keys are made anew in each process, and a test must have the same name in all of them.
    ids=[
        "nothing",
        "no key",
        "no text",
        "elliptic",
        "sealed",
        "wrong passphrase",
        "no thumbprint",
        "short thumbprint",
        "no hexadecimal",
        "another's certificate",
        "no certificate",
    ],
)
def test_a_key_that_cannot_be_used_is_refused_at_once(pem: str, thumbprint: str, passphrase: str, said: str) -> None:
    with pytest.raises(InvalidArgument, match=said):
        ClientCertificate("app-1", pem, thumbprint, passphrase)
    with pytest.raises(InvalidArgument, match="client id"):
        ClientCertificate(" ", pem, thumbprint, passphrase)


async def test_clients_share_tokens_only_with_the_same_credential() -> None:
    cache_ = TokenCache()
    microsoft = Microsoft(otherwise=answer({"id": "m"}))
    for credential in (
        ClientSecret("app-1", SECRET),
        ClientSecret("app-1", SECRET),
        ClientSecret("app-1", "another"),
        ClientCertificate("app-1", key_pem(0), THUMBPRINT),
    ):
        async with microsoft.client(credential=credential, tokens=cache_) as defender:
            await defender.get_machine("m")
    assert microsoft.tokens == ["token-1", "token-1", "token-2", "token-3"]
    async with microsoft.client(tenant_id="fabrikam.com", tokens=cache_) as defender:
        await defender.get_machine("m")
    assert microsoft.tokens[-1] == "token-4"
