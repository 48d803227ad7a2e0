import hashlib
from pathlib import Path

import pytest

from ringfence.errors import Invalid
from ringfence.security import password_rules
from ringfence.security.breached import Breached


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "15 to 1000"),
        ("x" * 1001, "15 to 1000"),
        ("passwordpassword", "easy to guess"),
        ("123456789012345", "easy to guess"),
        ("aaaaaaaaaaaaaaaaaaaa", "easy to guess"),
        ("ringfenceringfence", "easy to guess"),
        ("megan.bowen-contoso", "easy to guess"),
    ],
)
def test_a_weak_password_is_refused(password: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        password_rules.demand(password, 15, Breached(), ("megan.bowen", "contoso"))


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "four unrelated words",
        "Ålesund-Tromsø på ski",
        "wq8!Lz0pR#v2Kd9x",
        "k" + "é€漢🙂" * 200,
    ],
)
def test_a_long_one_passes_without_rules_of_capitals_and_digits(password: str) -> None:
    password_rules.demand(password, 15, Breached(), ("megan.bowen",))


def test_one_of_the_administrators_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hashes.txt"
    path.write_text(hashlib.sha1(b"four unrelated words").hexdigest().upper() + ":3\n")
    with pytest.raises(Invalid, match="attackers know"):
        password_rules.demand("four unrelated words", 15, Breached(path))


def test_what_looks_the_same_on_two_keyboards_is_the_same() -> None:
    assert password_rules.normal("Angstro\u0308m \ufb01nds") == password_rules.normal("Angstr\u00f6m finds")
