"""Connect, test, renew and change accounts: nothing is saved as healthy that was not proven."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any, Final

from ringfence import clock
from ringfence.accounts import credentials, records
from ringfence.accounts.certificates import Certificate, public_part
from ringfence.accounts.clients import Clients, purpose
from ringfence.accounts.credentials import Beside
from ringfence.accounts.entering import NewAccount, draft_of, secret_of, usable_name
from ringfence.accounts.model import USABLE, Account, AccountState
from ringfence.accounts.permissions import Need, Wish, chosen, needs
from ringfence.accounts.proof import Report, looks_like_id, prove
from ringfence.defender import Api, InvalidArgument
from ringfence.errors import Conflict, Invalid
from ringfence.security.crypto import Vault
from ringfence.services import records as services
from ringfence.services.service import doubled
from ringfence.storage import Database, Transaction, editions

CHECK_EVERY: Final = 3600.0
"""Seconds between two checks of an account that works."""
_SOONEST: Final = 10.0
_RARELY: Final = 300.0
"""Seconds between two checks of an account that does not work: half of the time since it failed, between these."""
_STALE: Final = timedelta(hours=24)
"""How long an account counts as healthy though no check came through."""
_REFUSED_FOR: Final = timedelta(hours=24)
"""How long a permission is missed because Defender refused a call for want of it."""

Wishes = Callable[[Transaction, Account], Sequence[Wish]]


class NotProven(Invalid):
    """The account does not work as it was entered; `report` says what was found."""

    code = "account_not_proven"

    def __init__(self, report: Report) -> None:
        failed = [check for check in report.checks if not check.ok and check.essential]
        advice = " ".join(dict.fromkeys(check.advice for check in failed if check.advice))
        sentences = tuple(check.sentence for check in failed)
        super().__init__(" ".join(sentences), advice=advice, problems=sentences)
        self.report = report


def _nobody(tx: Transaction, account: Account) -> Sequence[Wish]:
    return ()


class Accounts:
    """What is done with accounts over the network.

    `wishes` tells which playbooks run with an account, and what they need of it; `check_every` is in seconds.
    """

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clients: Clients,
        *,
        wishes: Wishes = _nobody,
        check_every: float = CHECK_EVERY,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clients = clients
        self._wishes = wishes
        self._check_every = check_every

    async def add(self, organization_id: str, new: NewAccount, *, save_anyway: bool = False) -> tuple[Account, Report]:
        """Test and save an account; NotProven, and nothing saved, if it does not work.

        With `save_anyway` an account that does not work is saved as pending, with the reason, and proven again later.
        Invalid for values that cannot be used at all, Conflict if the name is taken.
        """
        draft, secret, report = await self.try_out(organization_id, new)
        if not report.usable and not save_anyway:
            raise NotProven(report)
        now = clock.now()
        state = AccountState.PENDING
        if report.usable:
            state = AccountState.DEGRADED if report.shortcoming else AccountState.HEALTHY
        account = replace(
            draft,
            state=state,
            state_reason=report.shortcoming if report.usable else report.reason,
            roles=report.roles or (),
            proven_at=now if report.usable else None,
            other_roles=_other_roles(report),
            checks=_kept(report),
            checked_at=now,
            check_due_at=self._next_check(usable=report.usable, since=now),
        )

        def save(tx: Transaction) -> Account:
            sealed = self._vault.seal(organization_id, purpose(draft.id), secret)
            return records.insert(tx, replace(account, secret_sealed=sealed))

        saved = await self._database.run(save)
        warnings = await self._database.read(lambda tx: _doubled(tx, saved.id))
        return saved, replace(report, warnings=(*report.warnings, *warnings))

    async def try_out(self, organization_id: str, new: NewAccount) -> tuple[Account, str, Report]:
        """Test an account as it was entered, and save nothing; returns it, its secret or certificate, and what was found."""
        draft = draft_of(organization_id, new)
        secret = new.certificate.pem if new.certificate else new.secret.strip()

        def look(tx: Transaction) -> tuple[Need, ...]:
            _refuse_taken(records.every(tx, organization_id), draft.name)
            return needs(draft.features, self._wishes(tx, draft))

        needed = await self._database.read(look)
        return draft, secret, await self._test(draft, secret, needed, everywhere=True)

    async def test(self, organization_id: str, name: str) -> Report:
        """Test a connected account by name and record what it shows; see `prove`."""
        account = await self._database.read(lambda tx: records.by_name(tx, organization_id, name))
        return await self.prove(account.id, everywhere=True)

    async def prove(self, account_id: str, *, everywhere: bool = False) -> Report:
        """Test a connected account with a token of its own, and mark it proven, degraded or failed.

        A passing fault, such as an unreachable host, leaves a healthy account healthy: it refutes nothing, unless it lasts.
        Where the credential is refused and the one beside it works, that one is taken.
        """
        account, needed, other = await self._database.read(lambda tx: self._known(tx, account_id))
        report = await self._test(account, self._opened(account), needed, everywhere=everywhere)
        if report.refuted and other is not None and account.state is not AccountState.DISABLED:
            spare = await self._test(other.of(account), self._opened(other.of(account)), needed, everywhere=everywhere)
            await self._database.run(lambda tx: self._tried(tx, account, other, spare, take=spare.usable))
            if spare.usable:
                return spare
        await self._database.run(lambda tx: self._settle(tx, account, report))
        return report

    async def renew(
        self, organization_id: str, name: str, credential: str | Certificate, *, expires_on: date | None = None
    ) -> tuple[Account, Report]:
        """Test a new secret or certificate, and switch to it; NotProven, and the old one kept, if it does not work.

        Whoever is in the middle of a call ends it with the old one. `expires_on` is for a secret; a certificate says it.
        """
        account = await self._database.read(lambda tx: _switched_on(tx, organization_id, name))
        secret, thumbprint, expires_on = secret_of(credential, expires_on)
        renewed = replace(account, certificate_thumbprint=thumbprint, secret_expires_on=expires_on)
        needed = (await self._database.read(lambda tx: self._known(tx, account.id)))[1]
        report = await self._test(renewed, secret, needed)
        if not report.usable:
            raise NotProven(report)

        def work(tx: Transaction) -> Account:
            sealed = replace(renewed, secret_sealed=self._vault.seal(organization_id, purpose(account.id), secret))
            records.replace_credential(tx, sealed, report.roles, shortcoming=report.shortcoming)
            self._note(tx, sealed, report)
            return records.by_id(tx, account.id)

        return await self._database.run(work), report

    async def offer(
        self,
        organization_id: str,
        name: str,
        credential: str | Certificate,
        *,
        by: str,
        expires_on: date | None = None,
    ) -> Beside:
        """Put a new secret or certificate beside the one in use; it is used only when it was proven and switched to."""
        secret, thumbprint, expires_on = secret_of(credential, expires_on)

        def work(tx: Transaction) -> Beside:
            account = _switched_on(tx, organization_id, name)
            sealed = self._vault.seal(organization_id, purpose(account.id), secret)
            return credentials.offer(tx, account, sealed=sealed, expires_on=expires_on, thumbprint=thumbprint, by=by)

        return await self._database.run(work)

    async def prove_beside(self, organization_id: str, name: str) -> Report:
        """Test the credential beside the one in use, and record whether it works."""
        account, needed, found = await self._beside(organization_id, name)
        report = await self._test(found.of(account), self._opened(found.of(account)), needed)
        await self._database.run(lambda tx: self._tried(tx, account, found, report, take=False))
        return report

    async def switch(self, organization_id: str, name: str) -> tuple[Account, Report]:
        """Test the credential beside the one in use and change places with it; NotProven, and nothing changed, if it fails."""
        account, needed, found = await self._beside(organization_id, name)
        report = await self._test(found.of(account), self._opened(found.of(account)), needed)
        await self._database.run(lambda tx: self._tried(tx, account, found, report, take=report.usable))
        if not report.usable:
            raise NotProven(report)
        return await self._database.read(lambda tx: records.by_id(tx, account.id)), report

    async def withdraw(self, organization_id: str, name: str) -> None:
        """Remove the credential beside the one in use."""
        await self._database.run(lambda tx: credentials.withdraw(tx, records.by_name(tx, organization_id, name)))

    async def public_part(self, organization_id: str, name: str) -> str:
        """Return the certificate that was put beside the one in use, or is in use, as PEM without its key."""

        def look(tx: Transaction) -> Account:
            account = records.by_name(tx, organization_id, name)
            found = credentials.beside(tx, account.id)
            return found.of(account) if found is not None and found.certificate_thumbprint else account

        account = await self._database.read(look)
        if account.certificate_thumbprint is None:
            raise Invalid("The account signs in by a secret.", advice="Add a certificate first.")
        return public_part(self._opened(account))

    @property
    def wishes(self) -> Wishes:
        """What tells which playbooks run with an account."""
        return self._wishes

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

    async def change(
        self,
        organization_id: str,
        name: str,
        *,
        rename: str | None = None,
        features: Sequence[str] | None = None,
        expires_on: date | None = None,
        seen: str | None = None,
    ) -> Account:
        """Change what a person may change without a new credential; None leaves something as it is.

        Conflict where the new name is taken, or published playbooks name the present one. Outdated if it is not any more as it
        was `seen` (see `records.edition`).
        """

        def work(tx: Transaction) -> Account:
            account = records.locked(tx, organization_id, name)
            editions.demand(seen, records.edition(account))
            values: dict[str, Any] = {}
            if rename is not None and (wanted := usable_name(rename)) != account.name:
                _refuse_taken(records.every(tx, organization_id), wanted)
                _refuse_named(account, self._wishes(tx, account))
                values["name"] = wanted
            if features is not None:
                values["features"] = list(chosen(features))
            if expires_on is not None:
                if account.certificate_thumbprint is not None:
                    raise Invalid("A certificate says itself when it expires.", advice="Leave the day out.")
                values["secret_expires_on"] = expires_on
            if not values:
                return account
            said = {key: value.isoformat() if isinstance(value, date) else value for key, value in values.items()}
            return records.change(tx, account, {"name": account.name, "changed": said}, **values)

        return await self._database.run(work)

    async def _beside(self, organization_id: str, name: str) -> tuple[Account, tuple[Need, ...], Beside]:
        def look(tx: Transaction) -> tuple[Account, tuple[Need, ...], Beside]:
            account, needed, _ = self._known(tx, _switched_on(tx, organization_id, name).id)
            return account, needed, credentials.get(tx, account)

        return await self._database.read(look)

    def _known(self, tx: Transaction, account_id: str) -> tuple[Account, tuple[Need, ...], Beside | None]:
        account = records.by_id(tx, account_id)
        return account, needed_of(tx, account, self._wishes), credentials.beside(tx, account_id)

    def _opened(self, account: Account) -> str:
        return self._vault.open(account.organization_id, purpose(account.id), account.secret_sealed)

    async def _test(self, account: Account, secret: str, needed: Sequence[Need], *, everywhere: bool = False) -> Report:
        try:
            async with self._clients.make(account, secret) as client:
                return await prove(
                    client,
                    needed=needed,
                    secret_looks_like_id=looks_like_id(secret),
                    by_certificate=account.certificate_thumbprint is not None,
                    everywhere=everywhere,
                )
        except InvalidArgument as error:
            raise Invalid(error.message, advice=error.advice) from error

    def _tried(self, tx: Transaction, account: Account, found: Beside, report: Report, *, take: bool) -> None:
        """Record how the second credential did, and switch to it if it is to be taken."""
        credentials.mark(tx, found, proven=report.usable, reason="" if report.usable else report.reason)
        if take:
            credentials.switch(tx, account, found, report.roles, shortcoming=report.shortcoming)
            self._note(tx, found.of(account), report)

    def _settle(self, tx: Transaction, account: Account, report: Report) -> None:
        """Record what a test of the credential in use found, unless another one is in use by now."""
        if records.by_id(tx, account.id).secret_sealed != account.secret_sealed:
            return
        now = clock.now()
        if report.usable and report.shortcoming:
            records.mark_degraded(tx, account.id, report.shortcoming, report.roles)
        elif report.usable:
            records.mark_proven(tx, account.id, report.roles)
        elif report.refuted:
            records.mark_failed(tx, account.id, report.reason)
        elif account.state is AccountState.HEALTHY and (account.proven_at or account.created_at) < now - _STALE:
            proven = clock.iso(account.proven_at) if account.proven_at else "it was connected"
            records.mark_degraded(tx, account.id, f"No check has come through since {proven}. {report.reason}")
        self._note(tx, account, report)

    def _note(self, tx: Transaction, account: Account, report: Report) -> None:
        current = records.by_id(tx, account.id)
        usable = current.state in USABLE
        since = current.state_since or current.created_at
        other = {**current.other_roles, **_other_roles(report)}
        records.note_check(
            tx,
            account.id,
            checks=_kept(report),
            other_roles=other,
            refused=_still_refused(current, report),
            due_at=self._next_check(usable=usable, since=since),
        )

    def _next_check(self, *, usable: bool, since: datetime) -> datetime:
        now = clock.now()
        waited = (now - since).total_seconds()
        seconds = self._check_every if usable else min(self._check_every, max(_SOONEST, min(_RARELY, waited / 2)))
        return now + timedelta(seconds=seconds)


def needed_of(tx: Transaction, account: Account, wishes: Wishes) -> tuple[Need, ...]:
    """Return what an account needs now: for its features, its services, the playbooks that run with it, refused calls."""
    since = clock.now() - _REFUSED_FOR
    lately = tuple(role for role, at in account.refused.items() if datetime.fromisoformat(at) > since)
    graph = any(each.source == "graph" and each.enabled for each in services.of_account(tx, account.id))
    return needs(account.features, (*wishes(tx, account), Wish("", "", lately)), graph=graph)


def _still_refused(account: Account, report: Report) -> Mapping[str, str]:
    """Return the refused permissions that were not seen to be granted since, and are not forgotten yet."""
    since = clock.now() - _REFUSED_FOR
    missing = {need.role for need in report.standing.missing} if report.standing is not None else account.refused.keys()
    kept = ((role, at) for role, at in account.refused.items() if datetime.fromisoformat(at) > since)
    return {role: at for role, at in kept if role in missing}


def _other_roles(report: Report) -> dict[str, list[str]]:
    return {api.value: list(roles) for api, roles in report.granted.items() if api is not Api.MDE and roles is not None}


def _kept(report: Report) -> list[dict[str, Any]]:
    warned = [{"name": "warning", "ok": True, "sentence": each, "advice": ""} for each in report.warnings]
    return [asdict(check) for check in report.checks] + warned


def _switched_on(tx: Transaction, organization_id: str, name: str) -> Account:
    account = records.by_name(tx, organization_id, name)
    if account.state is AccountState.DISABLED:
        raise Conflict(
            f"The account {account.name!r} is switched off.",
            advice="Switch it on first (`ringfence account enable`), then renew it.",
        )
    return account


def _doubled(tx: Transaction, account_id: str) -> tuple[str, ...]:
    return tuple(each for service in services.of_account(tx, account_id) for each in doubled(tx, service))


def _refuse_named(account: Account, wishes: Iterable[Wish]) -> None:
    naming = [wish.name for wish in wishes if wish.by_name]
    if naming:
        raise Conflict(
            f"Playbooks name the account {account.name!r}: {', '.join(naming)}.",
            advice="Keep the name, or publish them without it first: alerts of an account that is not there start nothing.",
        )


def _refuse_taken(present: list[Account], name: str) -> None:
    if any(account.name == name for account in present):
        raise records.name_taken(name)
