import base64

import pytest

from outside import key_pair
from ringfence.accounts.certificates import Certificate
from ringfence.api.account_documents import CertificateFile, Credential, NewAccount
from ringfence.errors import Invalid


def test_a_credential_is_a_secret_or_a_certificate() -> None:
    pair = key_pair()
    given = Credential(certificate=CertificateFile(pem=pair.key + pair.certificate)).given()
    assert isinstance(given, Certificate)
    assert Credential(secret="s3cret").given() == "s3cret"
    encoded = base64.b64encode(b"nonsense").decode()
    for wrong in (
        Credential(),
        Credential(secret="x", certificate=CertificateFile(pem="x")),
        Credential(certificate=CertificateFile()),
        Credential(certificate=CertificateFile(pfx="***")),
        Credential(certificate=CertificateFile(pfx=encoded)),
    ):
        with pytest.raises(Invalid):
            wrong.given()


def test_a_new_account_is_handed_on_as_it_was_entered() -> None:
    pair = key_pair()
    file = CertificateFile(pem=pair.key + pair.certificate)
    entered = NewAccount(name="a", tenant_id="t", client_id="c", certificate=file, region="EU").entered()
    assert (entered.secret, entered.region, entered.features) == ("", "EU", ("contain", "write_back", "users"))
    assert entered.certificate is not None
