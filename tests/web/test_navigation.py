import pytest

from ringfence.web.navigation import local_path


@pytest.mark.parametrize("address", ["/", "/alerts?severity=High&q=a%20b", "/alerts/1#x"])
def test_a_path_on_this_site_is_followed(address: str) -> None:
    assert local_path(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "",
        "alerts",
        "//evil.test",
        "/\\evil.test",
        "https://evil.test",
        "/\t/evil.test",
        "/a\r\nSet-Cookie: x",
        "//[",
        "javascript:alert(1)",
    ],
)
def test_nobody_is_led_elsewhere(address: str) -> None:
    assert local_path(address) == "/"
