from collections.abc import Callable
from typing import Any

import pytest

from ringfence.simulator.defender import bodies
from ringfence.simulator.operations import ApiError


@pytest.mark.parametrize(
    ("check", "code"),
    [
        (lambda: bodies.text({}, "A"), "MissingRequiredParameter"),
        (lambda: bodies.text({"A": ""}, "A"), "MissingRequiredParameter"),
        (lambda: bodies.text({"A": 7}, "A"), "InvalidRequestBody"),
        (lambda: bodies.choice({"A": "x"}, "A", ("X",)), "InvalidRequestBody"),
        (lambda: bodies.truth({"A": "true"}, "A"), "InvalidRequestBody"),
        (lambda: bodies.texts({"A": [7]}, "A"), "InvalidRequestBody"),
        (lambda: bodies.batch({"A": []}, "A"), "MissingRequiredParameter"),
        (lambda: bodies.batch({"A": ["x", "y"]}, "A", 1), "MaximumBatchSizeExceeded"),
        (lambda: bodies.moment({"A": "soon"}, "A"), "InvalidRequestBody"),
        (lambda: bodies.only({"a": 1}, ("A",)), "InvalidRequestBody"),
        (lambda: bodies.hash_of("a" * 41, "sha1", "sha256"), "InvalidHashValue"),
        (lambda: bodies.hash_of("a" * 64, "sha1"), "InvalidHashValue"),
        (lambda: bodies.domain("contoso"), "InvalidDomainName"),
        (lambda: bodies.domain("con toso.com"), "InvalidDomainName"),
        (lambda: bodies.address("10.0.0.0/8"), "InvalidIpAddress"),
        (lambda: bodies.url("javascript:x"), "InvalidUrl"),
        (lambda: bodies.url("http://a b.com"), "InvalidUrl"),
        (lambda: bodies.url("http://[x"), "InvalidUrl"),
        (lambda: bodies.look_back("lookBackHours=721"), "InvalidInput"),
        (lambda: bodies.look_back("lookBackHours=0"), "InvalidInput"),
        (lambda: bodies.look_back("lookBackHours=x"), "InvalidInput"),
    ],
)
def test_what_is_wrong_is_refused_with_its_code(check: Callable[[], Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        check()
    assert (caught.value.status, caught.value.code) == (400, code)


def test_what_is_right_is_returned_in_its_usual_form() -> None:
    assert bodies.hash_of("A" * 32, "md5") == "a" * 32
    assert bodies.domain("Mail.Contoso.com") == "mail.contoso.com"
    assert bodies.address("2001:DB8::0001") == "2001:db8::1"
    assert bodies.url("contoso.com/x") == "contoso.com/x"
    assert bodies.url("http://203.0.113.9:8080/x") == "http://203.0.113.9:8080/x"
    assert bodies.look_back("x=1&LookbackHours=48") == 48
    assert bodies.look_back("") == 720
    assert bodies.truth({}, "A") is False
    assert bodies.texts({"A": None}, "A") == []
