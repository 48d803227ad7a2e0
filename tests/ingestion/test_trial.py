from datetime import timedelta

from accounts_samples import an_account
from alert_samples import NOON, Tenant, an_alert
from ringfence import clock
from ringfence.accounts.model import AccountFailed
from ringfence.defender import Unreachable
from ringfence.ingestion.trial import trial
from service_samples import a_service


async def test_what_works_says_how_much_there_is() -> None:
    clock.replace((NOON + timedelta(hours=1)).timestamp)
    done = await trial(Tenant([an_alert("1"), an_alert("2")]), a_service())
    assert (done.ok, done.alerts) == (True, 2)
    assert "2 were updated in the last day" in done.sentence
    many = await trial(Tenant([an_alert(f"{number}") for number in range(150)]), a_service())
    assert "100 or more" in many.sentence
    assert (await trial(Tenant(), a_service())).ok


async def test_what_the_tenant_refuses_is_said_and_reported() -> None:
    tenant = Tenant([an_alert("1")])

    def fail(page: int) -> None:
        raise Unreachable

    tenant.between = fail
    done = await trial(tenant, a_service())
    assert not done.ok
    assert done.sentence.startswith("Reading alerts failed: ")
    assert done.advice
    assert len(tenant.reported) == 1


async def test_an_account_that_may_not_be_used_is_said() -> None:
    class Refuses(Tenant):
        async def get(self, account_id: str) -> Tenant:
            raise AccountFailed(an_account(), "The account has failed.", advice="Prove it.")

    done = await trial(Refuses(), a_service())
    assert (done.ok, done.sentence, done.advice) == (False, "The account has failed.", "Prove it.")
