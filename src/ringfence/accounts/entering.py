"""What a person enters to connect an account, or to renew its credential, and what of it can be used."""

import asyncio
import socket
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from ringfence import clock
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.clients import cloud_of
from ringfence.accounts.model import USUAL, Account, AccountState
from ringfence.accounts.permissions import chosen
from ringfence.defender import InvalidArgument
from ringfence.errors import Invalid
from ringfence.security.egress import Network, Refused, open_to

LONGEST_NAME: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What a person enters to connect an account: a client secret, or a certificate.

    `login_url`, `api_url`, `graph_url` and `audience` are for a private cloud, a proxy or a simulator only.
    """

    name: str
    tenant_id: str
    client_id: str
    secret: str = field(default="", repr=False)
    certificate: Certificate | None = None
    cloud: str = "commercial"
    region: str | None = None
    features: tuple[str, ...] = USUAL
    secret_expires_on: date | None = None
    login_url: str | None = None
    api_url: str | None = None
    graph_url: str | None = None
    audience: str | None = None


async def demand_open(new: NewAccount, allowed: tuple[Network, ...]) -> None:
    """Refuse addresses of a private cloud that lead into the server's own networks, unless the operator allows them.

    For what comes by a page or the API: whoever uses the command line is the operator.
    """
    for url in (new.login_url, new.api_url, new.graph_url):
        host = urlsplit(url).hostname if url else None
        if not host:
            continue
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, 443, type=socket.SOCK_STREAM)
        except OSError as error:
            raise Invalid(f"The name {host[:100]} cannot be resolved.", advice="Check the address.") from error
        closed = [address[0] for *_, address in found if not open_to(str(address[0]), allowed)]
        if closed:
            raise Refused(
                f"{host[:100]} is not a public address.",
                advice="If it is meant, ask who runs the server to name it in RINGFENCE_EGRESS_PRIVATE.",
            )


def secret_of(credential: str | Certificate, expires_on: date | None) -> tuple[str, str | None, date | None]:
    """Return what is to be sealed, the thumbprint of a certificate, and the last day, as far as it is known; else Invalid."""
    if isinstance(credential, Certificate):
        return credential.pem, credential.thumbprint, credential.expires_at.date()
    return _usable("client secret", credential), None, _ahead(expires_on)


def _ahead(expires_on: date | None) -> date | None:
    if expires_on is not None and expires_on < clock.now().date():
        raise Invalid(
            f"The secret has expired on {expires_on.isoformat()}, as the day says that was entered.",
            advice="Correct the day, or make a new secret.",
        )
    return expires_on


def usable_name(text: str) -> str:
    """Return a name as it is kept; Invalid if it cannot be one."""
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be an account's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    return name


def blank(organization_id: str, name: str, cloud: str = "commercial") -> Account:
    """Return an account of which only that is known: to ask what it would need."""
    now = clock.now()
    return Account(
        id=clock.new_id(),
        organization_id=organization_id,
        name=name,
        cloud=cloud,
        tenant_id="",
        client_id="",
        secret_sealed="",
        secret_expires_on=None,
        login_url=None,
        api_url=None,
        state=AccountState.PENDING,
        state_reason="",
        roles=(),
        proven_at=None,
        created_at=now,
        updated_at=now,
    )


def draft_of(organization_id: str, new: NewAccount) -> Account:
    """Return the account that was entered, not proven and without its secret; Invalid for values that cannot be used."""
    name = usable_name(new.name)
    if (new.login_url is None) != (new.api_url is None):
        raise Invalid(
            "Only one of the two addresses was given.", advice="Give both the login and the API address, or neither."
        )
    if new.login_url is None and (new.graph_url is not None or new.audience is not None):
        raise Invalid(
            "An address of Graph or an audience was given without those of sign-in and API.",
            advice="Give all addresses of the private cloud, or none.",
        )
    tenant_id, client_id = _usable("tenant id", new.tenant_id), _usable("client id", new.client_id)
    if tenant_id.casefold() == client_id.casefold():
        raise Invalid(
            "Tenant id and client id are the same.",
            advice="The app registration's overview shows both: Directory (tenant) ID and Application (client) ID.",
        )
    if new.certificate is None:
        secret = _usable("client secret", new.secret)
        if secret.casefold() in (tenant_id.casefold(), client_id.casefold()):
            raise Invalid(
                "The client secret is the same as one of the ids.",
                advice="Copy the secret's value: Certificates & secrets ▸ Value.",
            )
    empty = blank(organization_id, name, new.cloud)
    account = replace(
        empty,
        tenant_id=tenant_id,
        client_id=client_id,
        secret_expires_on=new.certificate.expires_at.date() if new.certificate else _ahead(new.secret_expires_on),
        login_url=new.login_url,
        api_url=new.api_url,
        certificate_thumbprint=new.certificate.thumbprint if new.certificate else None,
        graph_url=new.graph_url,
        audience=new.audience,
        region=new.region,
        features=chosen(new.features),
        state_since=empty.created_at,
    )
    try:
        cloud_of(account)
    except InvalidArgument as error:
        raise Invalid(error.message, advice=error.advice) from error
    return account


def _usable(what: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(
            f"The {what} is empty.", advice="Enter tenant id, client id, and the secret's value or a certificate."
        )
    if not text.isprintable():
        raise Invalid(f"The {what} holds characters that cannot be seen.", advice="Copy it again.")
    return text
