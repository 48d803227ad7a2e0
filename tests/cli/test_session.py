from datetime import timedelta

from cli_world import Ringfence
from ringfence.security import people, sessions
from ringfence.security.sessions import Visitor
from ringfence.settings import Settings


def test_somebodys_browsers_are_listed_and_signed_out(ringfence: Ringfence) -> None:
    ringfence("sign-in-link", "--user", "adele")
    installation = ringfence.open(Settings(data=ringfence.data))
    adele = installation.database.read_now(lambda tx: people.by_name(tx, "adele")).id
    visitor = Visitor("198.51.100.7", "Firefox/140 Windows")
    for _ in range(3):
        installation.database.run_now(lambda tx: sessions.start(tx, adele, timedelta(hours=1), visitor=visitor))
    installation.close()
    found = ringfence.json("session", "list", "adele")["items"]
    assert {each["browser"] for each in found} == {"Firefox on Windows"}
    assert not any("csrf" in each for each in found)
    assert "198.51.100.7" in ringfence("session", "list", "adele").stdout
    assert ringfence.error("session", "revoke", "adele")["code"] == "invalid"
    assert ringfence.json("session", "revoke", "adele", found[0]["id"])["ended"] == 1
    assert "2 browsers" in ringfence("session", "revoke", "adele", "--all").stdout
    assert "nowhere" in ringfence("session", "list", "adele").stderr
