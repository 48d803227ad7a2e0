"""What the API says and takes of accounts; never a secret, not even a sealed one."""

import base64
import binascii
from collections.abc import Iterable
from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from ringfence.accounts import certificates
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.entering import NewAccount as Entered
from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import Need
from ringfence.accounts.proof import Report
from ringfence.errors import Invalid

Text = Annotated[str, Field(max_length=300)]
Secret = Annotated[str, Field(max_length=8_000, description="It is sealed, and never shown.")]
Features = Annotated[
    tuple[str, ...], Field(max_length=50, description="What the account is for; see /account-features.")
]


class Check(BaseModel):
    """One thing that a test looked at; hosts are contained through the account although one that is not essential failed."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    ok: bool
    sentence: str
    advice: str = ""
    temporary: bool = False
    essential: bool = True


class Account(BaseModel):
    """One connected account; `state` is pending, healthy, degraded, failed or disabled."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    cloud: str
    region: str | None
    tenant_id: str
    client_id: str
    login_url: str | None
    api_url: str | None
    graph_url: str | None
    audience: str | None
    features: tuple[str, ...]
    certificate_thumbprint: str | None
    secret_expires_on: date | None
    state: str
    state_reason: str
    state_since: AwareDatetime | None
    sensor: bool
    roles: tuple[str, ...]
    other_roles: dict[str, tuple[str, ...]]
    checks: tuple[Check, ...]
    checked_at: AwareDatetime | None
    check_due_at: AwareDatetime | None
    proven_at: AwareDatetime | None
    polled_at: AwareDatetime | None
    poll_error: str
    created_at: AwareDatetime
    updated_at: AwareDatetime


class Tested(BaseModel):
    """An account, and what a test of it found."""

    account: Account
    ok: bool
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


class CertificateFile(BaseModel):
    """A certificate with its key: PEM text, or a PFX file in base64."""

    model_config = ConfigDict(extra="forbid")

    pem: Annotated[
        str, Field(max_length=certificates.LARGEST, description="Certificate and key, one after the other.")
    ] = ""
    pfx: Annotated[str, Field(max_length=2 * certificates.LARGEST, description="The file in base64.")] = ""
    password: Secret = ""

    def read(self) -> Certificate:
        """Return the certificate; Invalid if it cannot be used."""
        if bool(self.pem) == bool(self.pfx):
            raise Invalid("Neither or both of `pem` and `pfx` were given.", advice="Give one of them.")
        try:
            content = self.pem.encode() if self.pem else base64.b64decode(self.pfx, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid("The PFX file is not base64.", advice="Encode the file as it is.") from error
        return certificates.read(content, None, self.password)


class Credential(BaseModel):
    """A client secret, or a certificate."""

    model_config = ConfigDict(extra="forbid")

    secret: Secret = ""
    certificate: CertificateFile | None = None
    secret_expires_on: date | None = None

    def given(self) -> str | Certificate:
        """Return what it is; Invalid if it is neither or both."""
        if bool(self.secret.strip()) == (self.certificate is not None):
            raise Invalid("Neither or both of `secret` and `certificate` were given.", advice="Give one of them.")
        return self.certificate.read() if self.certificate is not None else self.secret


class NewAccount(Credential):
    """An account to be tested and connected.

    With `keep` it is saved as pending although it does not work. The addresses are for a private cloud, a proxy or a
    simulator.
    """

    name: Text
    tenant_id: Text
    client_id: Text
    cloud: Text = "commercial"
    region: Text | None = None
    features: Features = USUAL
    login_url: Text | None = None
    api_url: Text | None = None
    graph_url: Text | None = None
    audience: Text | None = None
    keep: bool = False

    def entered(self) -> Entered:
        """Return what was entered, for the service; Invalid if its credential cannot be used."""
        given = self.given()
        return Entered(
            name=self.name,
            tenant_id=self.tenant_id,
            client_id=self.client_id,
            secret="" if isinstance(given, Certificate) else given,
            certificate=given if isinstance(given, Certificate) else None,
            cloud=self.cloud,
            region=self.region,
            features=self.features,
            secret_expires_on=self.secret_expires_on,
            login_url=self.login_url,
            api_url=self.api_url,
            graph_url=self.graph_url,
            audience=self.audience,
        )


class Change(BaseModel):
    """What is to be changed; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    features: Features | None = None
    secret_expires_on: date | None = None


class Permission(BaseModel):
    """One application permission: what it lets Ringfence do, and which features and playbooks need it."""

    api: str
    permission: str
    purpose: str
    features: tuple[str, ...]
    playbooks: tuple[str, ...]
    essential: bool


class Superfluous(BaseModel):
    """A permission that is granted and that nothing needs."""

    api: str
    permission: str


class Permissions(BaseModel):
    """What an account needs, and what its tokens held when they were looked at last."""

    granted: list[Permission]
    missing: list[Permission]
    unknown: list[Permission]
    superfluous: list[Superfluous]


class SecondCredential(BaseModel):
    """The credential beside the one in use; `stage` is new, proven or old."""

    model_config = ConfigDict(from_attributes=True)

    stage: str
    certificate_thumbprint: str | None
    secret_expires_on: date | None
    reason: str
    proven_at: AwareDatetime | None
    created_at: AwareDatetime
    created_by: str


class Happening(BaseModel):
    """One entry of an account's history."""

    model_config = ConfigDict(from_attributes=True)

    at: AwareDatetime
    event: str
    reason: str
    actor: str


class AccountUse(BaseModel):
    """A trigger service or a playbook that uses the account, and the permissions that its steps need."""

    kind: str
    id: str
    name: str
    permissions: tuple[str, ...]


def checks(report: Report) -> tuple[Check, ...]:
    """Return what a test found."""
    return tuple(Check.model_validate(each) for each in report.checks)


def permissions(needed: Iterable[Need]) -> list[Permission]:
    """Return needed permissions as the API says them."""
    return [
        Permission(
            api=need.api.value,
            permission=need.role,
            purpose=need.purpose,
            features=need.features,
            playbooks=need.playbooks,
            essential=need.essential,
        )
        for need in needed
    ]
