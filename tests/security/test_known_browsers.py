from ringfence.security import known_browsers
from ringfence.security.crypto import KEY_BYTES, Vault


def test_a_browser_is_known_to_its_person_only_and_cannot_say_so_itself() -> None:
    vault = Vault(bytes(KEY_BYTES))
    value = known_browsers.introduce(vault, "megan")
    browser = known_browsers.recognise(vault, value, "megan")
    assert browser
    assert known_browsers.recognise(vault, known_browsers.introduce(vault, "megan"), "megan") not in (None, browser)
    assert known_browsers.recognise(vault, value, "alex") is None
    assert known_browsers.recognise(Vault(b"k" * KEY_BYTES), value, "megan") is None
    for forged in (
        "",
        "x",
        f"{browser}.megan",
        f"other.megan.{value.split('.', 2)[2]}",
        value.replace("megan", "alex"),
    ):
        assert known_browsers.recognise(vault, forged, forged.partition(".")[2].partition(".")[0] or "megan") is None
