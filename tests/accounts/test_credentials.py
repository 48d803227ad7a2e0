from datetime import timedelta

import httpx
import pytest

from accounts_samples import NEW, SECRET, VAULT, a_page, accounts_of, an_organization, signed_in
from microsoft import Microsoft, aadsts
from ringfence import clock
from ringfence.accounts import credentials, records
from ringfence.accounts.clients import purpose
from ringfence.accounts.credentials import Beside, Stage
from ringfence.accounts.model import Account, AccountState
from ringfence.accounts.service import Accounts, NotProven
from ringfence.audit import log
from ringfence.errors import Conflict, NotFound
from ringfence.storage import Database

EXPIRED = aadsts(7000222, "invalid_client", 401)
WRONG = aadsts(7000215, "invalid_client", 401)


class Desk:
    """An organization with one account, and the accounts' service before a scripted tenant."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.organization = an_organization(database)
        self.microsoft = Microsoft(otherwise=a_page(), logins=[signed_in(), signed_in()])
        self.accounts: Accounts = accounts_of(database, self.microsoft)

    async def begin(self) -> None:
        await self.accounts.add(self.organization, NEW)

    def next(self, *logins: httpx.Response) -> None:
        self.microsoft.logins = list(logins)

    @property
    def row(self) -> Account:
        return self.database.read_now(lambda tx: records.by_name(tx, self.organization, "contoso"))

    def beside(self) -> Beside | None:
        return self.database.read_now(lambda tx: credentials.beside(tx, self.row.id))

    def stage(self) -> Stage | None:
        found = self.beside()
        return found.stage if found is not None else None

    def secret_in_use(self) -> str:
        return VAULT.open(self.organization, purpose(self.row.id), self.row.secret_sealed)

    async def offer(self, secret: str = "n3w~value") -> Beside:
        return await self.accounts.offer(self.organization, "contoso", secret, by="adele")


@pytest.fixture
async def desk(embedded: Database) -> Desk:
    made = Desk(embedded)
    await made.begin()
    return made


async def test_a_second_credential_is_proven_switched_to_and_the_old_one_removed(desk: Desk) -> None:
    offered = await desk.offer()
    assert (offered.stage, desk.secret_in_use()) == (Stage.NEW, SECRET)
    assert "n3w~value" not in offered.secret_sealed + repr(offered)
    desk.next(signed_in())
    assert (await desk.accounts.prove_beside(desk.organization, "contoso")).ok
    assert (desk.stage(), desk.secret_in_use()) == (Stage.PROVEN, SECRET)
    desk.next(signed_in())
    account, _ = await desk.accounts.switch(desk.organization, "contoso")
    assert (account.state, desk.secret_in_use()) == (AccountState.HEALTHY, "n3w~value")
    assert desk.stage() is Stage.OLD
    await desk.accounts.withdraw(desk.organization, "contoso")
    assert desk.beside() is None
    with pytest.raises(NotFound):
        await desk.accounts.withdraw(desk.organization, "contoso")
    said = [
        entry.event
        for entry in desk.database.read_now(lambda tx: log.of_subject(tx, desk.organization, "account", [account.id]))
    ]
    assert said == ["account:added", "account:credential_added", "account:renewed", "account:credential_removed"]


async def test_one_that_does_not_work_changes_nothing_and_says_why(desk: Desk) -> None:
    offered = await desk.offer()
    with pytest.raises(Conflict, match="second credential already"):
        await desk.offer("an0ther~value")
    desk.next(WRONG)
    with pytest.raises(NotProven):
        await desk.accounts.switch(desk.organization, "contoso")
    assert desk.secret_in_use() == SECRET
    assert "does not accept this client secret" in (desk.beside() or offered).reason
    desk.next(signed_in())
    assert (await desk.accounts.prove_beside(desk.organization, "contoso")).ok
    desk.next(WRONG)
    assert not (await desk.accounts.prove_beside(desk.organization, "contoso")).ok
    assert desk.stage() is Stage.NEW


async def test_when_the_one_in_use_is_refused_the_other_takes_its_place_by_itself(desk: Desk) -> None:
    await desk.offer()
    desk.next(EXPIRED, signed_in())
    assert (await desk.accounts.prove(desk.row.id)).ok
    assert (desk.row.state, desk.secret_in_use()) == (AccountState.HEALTHY, "n3w~value")
    # Both fail: the account fails, and the one in use stays.
    desk.next(WRONG, WRONG)
    assert (await desk.accounts.prove(desk.row.id)).refuted
    assert (desk.row.state, desk.secret_in_use()) == (AccountState.FAILED, "n3w~value")


async def test_whoever_is_late_does_not_undo_what_somebody_else_did(desk: Desk) -> None:
    offered = await desk.offer()
    account = desk.row
    await desk.accounts.withdraw(desk.organization, "contoso")
    with pytest.raises(Conflict, match="meanwhile"):
        desk.database.run_now(lambda tx: credentials.switch(tx, account, offered, None))
    assert desk.secret_in_use() == SECRET


async def test_an_account_that_is_switched_off_takes_no_second_credential(desk: Desk) -> None:
    await desk.accounts.disable(desk.organization, "contoso")
    with pytest.raises(Conflict, match="switched off"):
        await desk.offer()


async def test_a_refused_check_is_repeated_soon_and_then_more_rarely(desk: Desk) -> None:
    desk.next(EXPIRED)
    await desk.accounts.prove(desk.row.id)
    first = desk.row.check_due_at
    assert first is not None
    assert first - clock.now() < timedelta(seconds=11)
    assert desk.row.checked_at is not None
