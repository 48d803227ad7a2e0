"""Connect, test and renew accounts: nothing is saved as healthy that was not proven."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.certificates import Certificate
from ringfence.accounts.clients import Clients, purpose
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import Report, looks_like_id, prove
from ringfence.defender import InvalidArgument
from ringfence.errors import Conflict, Invalid
from ringfence.security.crypto import Vault
from ringfence.services import records as services
from ringfence.services.service import doubled
from ringfence.storage import Database, Transaction

LONGEST_NAME: Final = 100


class NotProven(Invalid):
    """The account does not work as it was entered; `report` says what was found."""

    code = "account_not_proven"

    def __init__(self, report: Report) -> None:
        failed = [check for check in report.checks if not check.ok and check.essential]
        advice = " ".join(dict.fromkeys(check.advice for check in failed if check.advice))
        sentences = tuple(check.sentence for check in failed)
        super().__init__(" ".join(sentences), advice=advice, problems=sentences)
        self.report = report


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What a person enters to connect an account: a client secret, or a certificate.

    `login_url` and `api_url` are for a simulator or a proxy only.
    """

    name: str
    tenant_id: str
    client_id: str
    secret: str = field(default="", repr=False)
    certificate: Certificate | None = None
    cloud: str = "commercial"
    secret_expires_on: date | None = None
    login_url: str | None = None
    api_url: str | None = None


class Accounts:
    """What is done with accounts over the network."""

    def __init__(self, database: Database, vault: Vault, clients: Clients) -> None:
        self._database = database
        self._vault = vault
        self._clients = clients

    async def add(self, organization_id: str, new: NewAccount, *, save_anyway: bool = False) -> tuple[Account, Report]:
        """Test and save an account; NotProven, and nothing saved, if it does not work.

        With `save_anyway` an account that does not work is saved as failed, with the reason, and proven again later.
        Invalid for values that cannot be used at all, Conflict if the name is taken.
        """
        draft = _draft(organization_id, new)
        secret = new.certificate.pem if new.certificate else new.secret.strip()
        await self._database.read(lambda tx: _refuse_taken(records.every(tx, organization_id), draft.name))
        report = await self._test(draft, secret)
        if not report.usable and not save_anyway:
            raise NotProven(report)
        account = replace(
            draft,
            secret_sealed=self._vault.seal(organization_id, purpose(draft.id), secret),
            state=AccountState.HEALTHY if report.usable else AccountState.FAILED,
            state_reason=report.reason,
            roles=report.roles or (),
            proven_at=clock.now() if report.usable else None,
        )
        saved = await self._database.run(lambda tx: records.insert(tx, account))
        warnings = await self._database.read(lambda tx: _doubled(tx, saved.id))
        return saved, replace(report, warnings=warnings)

    async def test(self, organization_id: str, name: str) -> Report:
        """Test a connected account by name and record what it shows; see `prove`."""
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        return await self.prove(account.id)

    async def prove(self, account_id: str) -> Report:
        """Test a connected account with a token of its own, and mark it proven or failed.

        A passing fault, such as an unreachable host, leaves a healthy account healthy: it refutes nothing.
        """
        account = await self._database.read(lambda tx: records.by_id(tx, account_id))
        secret = self._vault.open(account.organization_id, purpose(account_id), account.secret_sealed)
        report = await self._test(account, secret)
        if report.usable:
            await self._database.run(lambda tx: records.mark_proven(tx, account_id, report.roles))
        elif report.refuted:
            await self._database.run(lambda tx: records.mark_failed(tx, account_id, report.reason))
        return report

    async def renew(
        self, organization_id: str, name: str, credential: str | Certificate, *, expires_on: date | None = None
    ) -> tuple[Account, Report]:
        """Test a new secret or certificate, and switch to it; NotProven, and the old one kept, if it does not work.

        Whoever is in the middle of a call ends it with the old one. `expires_on` is for a secret; a certificate says it.
        """
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        if account.state is AccountState.DISABLED:
            raise Conflict(
                f"The account {account.name!r} is switched off.",
                advice="Switch it on first (`ringfence account enable`), then renew it.",
            )
        if isinstance(credential, Certificate):
            secret, thumbprint, expires_on = credential.pem, credential.thumbprint, credential.expires_at.date()
        else:
            secret, thumbprint = _usable("client secret", credential), None
        renewed = replace(account, certificate_thumbprint=thumbprint, secret_expires_on=expires_on)
        report = await self._test(renewed, secret)
        if not report.usable:
            raise NotProven(report)
        sealed = replace(renewed, secret_sealed=self._vault.seal(organization_id, purpose(account.id), secret))
        await self._database.run(lambda tx: records.replace_credential(tx, sealed, report.roles))
        return await self._database.read(lambda tx: records.by_id(tx, account.id)), report

    async def disable(self, organization_id: str, name: str) -> Account:
        """Switch an account off: nothing is read or done through it any more; returns it as it then is."""
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        await self._database.run(lambda tx: records.disable(tx, account.id))
        return await self._database.read(lambda tx: records.by_id(tx, account.id))

    async def enable(self, organization_id: str, name: str) -> tuple[Account, Report]:
        """Switch an account on, and prove it before it is used; one that was on is proven again."""
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        await self._database.run(lambda tx: records.enable(tx, account.id))
        report = await self.prove(account.id)
        return await self._database.read(lambda tx: records.by_id(tx, account.id)), report

    async def _test(self, account: Account, secret: str) -> Report:
        followed = await self._database.read(lambda tx: services.of_account(tx, account.id))
        try:
            async with self._clients.make(account, secret) as client:
                return await prove(
                    client,
                    secret_looks_like_id=looks_like_id(secret),
                    by_certificate=account.certificate_thumbprint is not None,
                    reads_graph=any(each.source == "graph" and each.enabled for each in followed),
                )
        except InvalidArgument as error:
            raise Invalid(error.message, advice=error.advice) from error


def _doubled(tx: Transaction, account_id: str) -> tuple[str, ...]:
    return tuple(each for service in services.of_account(tx, account_id) for each in doubled(tx, service))


def _refuse_taken(present: list[Account], name: str) -> None:
    if any(account.name == name for account in present):
        raise records.name_taken(name)


def _draft(organization_id: str, new: NewAccount) -> Account:
    name = new.name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise Invalid(
            "This cannot be an account's name.", advice=f"Use 1 to {LONGEST_NAME} characters that can be seen."
        )
    if (new.login_url is None) != (new.api_url is None):
        raise Invalid(
            "Only one of the two addresses was given.", advice="Give both the login and the API address, or neither."
        )
    tenant_id, client_id = _usable("tenant id", new.tenant_id), _usable("client id", new.client_id)
    if new.certificate is None:
        _usable("client secret", new.secret)
    now = clock.now()
    return Account(
        id=clock.new_id(),
        organization_id=organization_id,
        name=name,
        cloud=new.cloud,
        tenant_id=tenant_id,
        client_id=client_id,
        secret_sealed="",
        secret_expires_on=new.certificate.expires_at.date() if new.certificate else new.secret_expires_on,
        login_url=new.login_url,
        api_url=new.api_url,
        state=AccountState.PENDING,
        state_reason="",
        roles=(),
        proven_at=None,
        created_at=now,
        updated_at=now,
        certificate_thumbprint=new.certificate.thumbprint if new.certificate else None,
    )


def _usable(what: str, text: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(
            f"The {what} is empty.", advice="Enter tenant id, client id, and the secret's value or a certificate."
        )
    if not text.isprintable():
        raise Invalid(f"The {what} holds characters that cannot be seen.", advice="Copy it again.")
    return text
