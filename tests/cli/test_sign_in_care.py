from cli_world import Ringfence
from ringfence.security import passwords
from ringfence.security.passwords import Passwords
from ringfence.settings import Settings


def test_a_person_is_helped_from_the_server(ringfence: Ringfence) -> None:
    ringfence("sign-in-link", "--user", "adele")
    ringfence.secret = "four unrelated words"
    assert ringfence.json("sign-in", "password", "adele") == {"user": "adele", "ended": 0}
    ringfence.secret = "adele adele adele"
    assert ringfence.error("sign-in", "password", "adele")["code"] == "invalid"
    installation = ringfence.open(Settings(data=ringfence.data))
    _, stored = installation.database.read_now(lambda tx: passwords.find(tx, "adele")) or (None, None)
    installation.close()
    assert Passwords().matches(stored, "four unrelated words")
    assert ringfence.json("sign-in", "reset-app", "adele") == {"user": "adele", "removed": False}
    assert "nothing kept them" in ringfence("sign-in", "unlock", "adele").stdout
    assert ringfence.error("sign-in", "unlock", "nobody")["code"] == "not_found"
    assert ringfence.json("sign-in", "demand")["counts"] == "everybody"
    assert "everybody" in ringfence("sign-in", "demand", "everybody").stdout
