import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.security.hiding import HIDDEN, Hider, Json, parts

CANARY = 'c@nary/9+"~ß key'


def nested(value: Json, levels: int) -> Json:
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "shown",
    [
        CANARY,
        f"before {CANARY} after",
        b64encode(CANARY.encode()).decode(),
        urlsafe_b64encode(CANARY.encode()).decode(),
        "Basic " + b64encode(b"megan:" + CANARY.encode()).decode(),
        b64encode(b"ab" + CANARY.encode() + b"c").decode(),
        quote(CANARY),
        quote(CANARY, safe=""),
        quote_plus(CANARY),
        CANARY.encode().hex(),
        f"0x{CANARY.encode().hex().upper()}",
        quote_plus(CANARY).replace("%C3%9F", "%c3%9f").replace("%40", "%40").lower(),
        json.dumps({"password": CANARY}),
        json.dumps({"password": CANARY}, ensure_ascii=False),
    ],
)
def test_a_known_secret_is_hidden_however_it_is_written(shown: str) -> None:
    hider = Hider([CANARY])
    found = hider.text(shown)
    assert HIDDEN in found
    assert len(found) < len(shown)
    assert hider.value({"a": [shown, {shown: 1}]}) == {"a": [found, {found: 1}]}


@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_secret_within_base64_is_hidden_at_any_place(before: bytes, after: bytes) -> None:
    shown = b64encode(before + b"correct horse battery staple" + after).decode()
    assert HIDDEN in Hider(["correct horse battery staple"]).text(shown)


def test_of_two_secrets_the_longer_one_goes_first_and_nothing_of_it_stays() -> None:
    assert Hider(["secret-one", "secret-one-and-two"]).text("x secret-one-and-two y") == f"x {HIDDEN} y"


def test_what_is_short_is_hidden_only_where_it_stands_alone() -> None:
    hider = Hider(["1234", ""])
    assert hider.value(["1234", "in 1234", "", 1234]) == [HIDDEN, "in 1234", "", 1234]
    assert hider.text("1234") == HIDDEN


def test_tokens_are_hidden_whoever_they_belong_to() -> None:
    assert "abc.def" not in Hider().text("Authorization: Bearer abc.def-ghi")
    assert "eyJhbGciOi" not in str(Hider().value({"a": "eyJhbGciOiJub25l.eyJzdWIiOiIxMjM0NTY.sig"}))


def test_what_holds_no_secret_stays_as_it_is() -> None:
    value: Json = {"a": [None, True, 1.5, "text", {"b": "ü"}]}
    assert Hider([CANARY]).value(value) == value


def test_a_document_that_is_nested_without_end_ends_as_hidden() -> None:
    assert HIDDEN in json.dumps(Hider().value(nested("x", 300)))


def test_hiders_grow() -> None:
    first = Hider(["first-secret"])
    assert first.more(["first-secret", ""]) is first
    assert first.more(["second-secret"]).text("first-secret second-secret") == f"{HIDDEN} {HIDDEN}"


def test_a_key_is_hidden_line_by_line_and_an_address_token_by_token() -> None:
    line = "M" * 64
    pem = f"-----BEGIN PRIVATE KEY-----\n{line}\nAAAA\n-----END PRIVATE KEY-----\n"
    assert line in parts(pem)
    assert "AAAA" not in list(parts(pem))
    assert list(parts("slack://TokenOfContoso/hooks.contoso.com/x")) == [
        "slack://TokenOfContoso/hooks.contoso.com/x",
        "TokenOfContoso",
    ]
