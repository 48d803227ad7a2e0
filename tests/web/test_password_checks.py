import pytest
from argon2 import PasswordHasher

from contoso import Contoso
from ringfence.errors import Invalid
from ringfence.security import passwords
from ringfence.security.passwords import Passwords
from ringfence.storage import Database
from ringfence.web import Services
from ringfence.web.password_checks import PasswordChecks


async def test_a_hash_of_former_times_is_made_anew_when_its_password_was_right(
    services: Services, embedded: Database, contoso: Contoso
) -> None:
    checks = PasswordChecks(services)
    weak = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)).hash("correct horse battery")
    assert await checks.matches(weak, "correct horse battery")
    await checks.bring_up_to_date(contoso.user_id, weak, "correct horse battery")
    stored = embedded.read_now(lambda tx: passwords.of_user(tx, contoso.user_id))
    assert stored not in (None, weak)
    assert await checks.matches(stored, "correct horse battery")
    with pytest.raises(Invalid, match="easy to guess"):
        await checks.hash("megan.bowen megan.bowen", ("megan.bowen",))
