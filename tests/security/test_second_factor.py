from functools import partial

import pyotp
import pytest

from ringfence import clock
from ringfence.errors import Conflict, NotFound, NotSignedIn
from ringfence.organizations import service as organizations
from ringfence.security import people, second_factor
from ringfence.security.crypto import KEY_BYTES, Vault
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import recovery_codes, second_factors

VAULT = Vault(bytes(KEY_BYTES))


class Phone:
    """A person's app, and the clock."""

    def __init__(self, database: Database, user_id: str) -> None:
        self.database = database
        self.user_id = user_id
        self.now = 1_700_000_000.0
        clock.replace(lambda: self.now)
        self.secret = database.run_now(lambda tx: second_factor.enrol(tx, VAULT, user_id)).secret

    def code(self, off: int = 0) -> str:
        return pyotp.TOTP(self.secret).at(int(self.now) + off)

    def confirm(self) -> tuple[str, ...]:
        return self.database.run_now(lambda tx: second_factor.confirm(tx, VAULT, self.user_id, self.code()))

    def check(self, code: str) -> str:
        return self.database.run_now(lambda tx: second_factor.check(tx, VAULT, self.user_id, code))


@pytest.fixture
def phone(database: Database) -> Phone:
    def work(tx: Transaction) -> str:
        return people.ensure(tx, organizations.create(tx, "contoso").id, "megan.bowen")

    return Phone(database, database.run_now(work))


def test_an_app_counts_from_its_first_code_on(phone: Phone) -> None:
    assert phone.database.read_now(lambda tx: second_factor.standing(tx, phone.user_id)).since is None
    with pytest.raises(NotSignedIn):
        phone.check(phone.code())
    codes = phone.confirm()
    standing = phone.database.read_now(lambda tx: second_factor.standing(tx, phone.user_id))
    assert (standing.since, standing.recovery_codes) == (clock.now(), len(set(codes)))
    with pytest.raises(Conflict):
        phone.database.run_now(lambda tx: second_factor.enrol(tx, VAULT, phone.user_id))
    with pytest.raises(Conflict):
        phone.confirm()


def test_a_code_is_taken_once_and_none_before_it(phone: Phone) -> None:
    phone.confirm()
    with pytest.raises(NotSignedIn, match="used already"):
        phone.check(phone.code())
    phone.now += 60
    late, current = phone.code(-30), phone.code()
    assert phone.check(f" {current[:3]} {current[3:]} ") == "code"
    for replayed in (current, late):
        with pytest.raises(NotSignedIn):
            phone.check(replayed)


def test_a_clock_may_be_half_a_minute_off_and_no_more(phone: Phone) -> None:
    phone.confirm()
    phone.now += 300
    for off in (-60, 60, 3600):
        with pytest.raises(NotSignedIn, match="too old"):
            phone.check(phone.code(off))
    assert phone.check(phone.code(-30)) == "code"
    assert phone.check(phone.code(30)) == "code"


def test_nonsense_is_no_code(phone: Phone) -> None:
    phone.confirm()
    for code in ("", "000000000000", "é" * 6, "12345", "\ud800", "\uff11\uff12\uff13\uff14\uff15\uff16"):
        with pytest.raises(NotSignedIn):
            phone.check(code)


def test_a_recovery_code_signs_in_once(phone: Phone) -> None:
    first, second, *_ = phone.confirm()
    assert phone.check(first.lower().replace("-", " ")) == "recovery code"
    with pytest.raises(NotSignedIn, match="used already"):
        phone.check(first)
    assert phone.database.read_now(lambda tx: second_factor.standing(tx, phone.user_id)).recovery_codes == 9
    phone.database.run_now(lambda tx: second_factor.renew_recovery_codes(tx, phone.user_id))
    with pytest.raises(NotSignedIn):
        phone.check(second)


def test_neither_secret_nor_codes_are_stored_as_they_are(phone: Phone) -> None:
    codes = phone.confirm()
    stored = phone.database.read_now(
        lambda tx: repr([*tx.all(second_factors.select()), *tx.all(recovery_codes.select())])
    )
    assert phone.secret not in stored
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)


def test_what_is_removed_counts_no_more(phone: Phone) -> None:
    codes = phone.confirm()
    assert phone.database.run_now(lambda tx: second_factor.remove(tx, phone.user_id))
    assert not phone.database.run_now(lambda tx: second_factor.remove(tx, phone.user_id))
    for code in (codes[0], phone.code(30)):
        with pytest.raises(NotSignedIn):
            phone.check(code)
    with pytest.raises(NotFound):
        phone.database.run_now(partial(second_factor.confirm, vault=VAULT, user_id=phone.user_id, code="1"))


def test_the_picture_is_one_that_our_pages_may_show(phone: Phone) -> None:
    phone.database.run_now(lambda tx: second_factor.remove(tx, phone.user_id))
    made = phone.database.run_now(lambda tx: second_factor.enrol(tx, VAULT, phone.user_id))
    assert made.picture.startswith("<svg ")
    assert "style" not in made.picture
    assert made.address.startswith("otpauth://totp/Ringfence:megan.bowen?secret=")
