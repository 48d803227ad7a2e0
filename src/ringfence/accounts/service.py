"""Connect, test and renew accounts: nothing is saved as healthy that was not proven."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

from ringfence import clock
from ringfence.accounts import records
from ringfence.accounts.clients import Clients, purpose
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.proof import Report, looks_like_id, prove
from ringfence.defender import InvalidArgument
from ringfence.errors import Invalid
from ringfence.security.crypto import Vault
from ringfence.storage import Database

LONGEST_NAME: Final = 100


class NotProven(Invalid):
    """The account does not work as it was entered; `report` says what was found."""

    code = "account_not_proven"

    def __init__(self, report: Report) -> None:
        failed = [check for check in report.checks if not check.ok]
        advice = " ".join(dict.fromkeys(check.advice for check in failed if check.advice))
        sentences = tuple(check.sentence for check in failed)
        super().__init__(" ".join(sentences), advice=advice, problems=sentences)
        self.report = report


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """What a person enters to connect an account; `login_url` and `api_url` are for a simulator or a proxy only."""

    name: str
    tenant_id: str
    client_id: str
    secret: str = field(repr=False)
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
        secret = new.secret.strip()
        await self._database.read(lambda tx: _refuse_taken(records.every(tx, organization_id), draft.name))
        report = await self._test(draft, secret)
        if not report.ok and not save_anyway:
            raise NotProven(report)
        account = replace(
            draft,
            secret_sealed=self._vault.seal(organization_id, purpose(draft.id), secret),
            state=AccountState.HEALTHY if report.ok else AccountState.FAILED,
            state_reason=report.reason,
            roles=report.roles or (),
            proven_at=clock.now() if report.ok else None,
        )
        await self._database.run(lambda tx: records.insert(tx, account))
        return account, report

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
        if report.ok:
            await self._database.run(lambda tx: records.mark_proven(tx, account_id, report.roles))
        elif report.refuted:
            await self._database.run(lambda tx: records.mark_failed(tx, account_id, report.reason))
        return report

    async def renew_secret(self, organization_id: str, name: str, secret: str) -> Report:
        """Test a new secret and store it in place of the old one; NotProven, and the old one kept, if it does not work."""
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        secret = secret.strip()
        report = await self._test(account, secret)
        if not report.ok:
            raise NotProven(report)
        sealed = self._vault.seal(organization_id, purpose(account.id), secret)
        await self._database.run(lambda tx: records.replace_secret(tx, account.id, sealed, roles=report.roles))
        return report

    async def _test(self, account: Account, secret: str) -> Report:
        try:
            async with self._clients.make(account, secret) as client:
                return await prove(client, secret_looks_like_id=looks_like_id(secret))
        except InvalidArgument as error:
            raise Invalid(error.message, advice=error.advice) from error


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
    for what, value in (("tenant id", new.tenant_id), ("client id", new.client_id), ("client secret", new.secret)):
        if not value.strip():
            raise Invalid(f"The {what} is empty.", advice="Enter tenant id, client id and the secret's value.")
        if not value.strip().isprintable():
            raise Invalid(f"The {what} holds characters that cannot be seen.", advice="Copy it again.")
    now = clock.now()
    return Account(
        id=clock.new_id(),
        organization_id=organization_id,
        name=name,
        cloud=new.cloud,
        tenant_id=new.tenant_id.strip(),
        client_id=new.client_id.strip(),
        secret_sealed="",
        secret_expires_on=new.secret_expires_on,
        login_url=new.login_url,
        api_url=new.api_url,
        state=AccountState.PENDING,
        state_reason="",
        roles=(),
        proven_at=None,
        created_at=now,
        updated_at=now,
        watermark=None,
        polled_at=None,
        poll_error="",
    )
