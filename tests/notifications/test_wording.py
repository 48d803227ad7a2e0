import re
from html.parser import HTMLParser

import pytest

from hostile import HOSTILE
from ringfence.notifications.wording import MOST_SHOWN, Line, Reading, compose, harmless

LINK = ("Approve", "https://ringfence.test/answer?token=1.2.3")


@pytest.mark.parametrize("reading", Reading)
def test_words_from_outside_stay_on_their_line_and_lead_nowhere(reading: Reading) -> None:
    said = harmless("Pay\r\nApprove: https://evil.test/x www.evil.test\u202egnp.exe \x00 javascript:alert(1)", reading)
    assert "\n" not in said
    assert "://" not in said.replace("[:]//", "")
    assert "javascript:" not in said
    assert "\u202e" not in said
    assert "\x00" not in said


def test_a_chat_sees_no_markup_and_no_mention() -> None:
    said = harmless("<!channel> @everyone *bold* _it_ [click](x) `code` ~s~ <@U1> | # ![](a)", Reading.CHAT)
    assert not set(said) & set("@<>*_`~|[]#&\\")
    assert harmless("wks_001 <b>", Reading.PLAIN) == "wks_001 <b>"


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("reading", Reading)
def test_hostile_words_become_one_harmless_line(words: str, reading: Reading) -> None:
    message = compose([Line(words, words, (LINK,))], reading, organization="contoso", more="")
    assert message.title.isprintable()
    assert len(message.title) <= 200
    assert message.text.count("\n") <= 2
    assert message.text.endswith("Approve: https://ringfence.test/answer?token=1.2.3")
    message.text.encode()
    elements = _Elements()
    elements.feed(message.html)
    assert {name for name, _ in elements.found} <= {"html", "head", "meta", "title", "body", "p", "strong", "br", "a"}
    assert [each for _, each in elements.found if each] == [
        {"lang": "en"},
        {"charset": "utf-8"},
        {"href": LINK[1]},
    ]


def test_a_chat_makes_no_link_and_no_preview_of_a_name_of_a_host() -> None:
    said = harmless("see evil.example/x?y=1 and https://evil.example; wks-001.contoso.com 10.1.2.3", Reading.CHAT)
    assert not re.search(r"\w\.[a-z]", said)
    assert "10.1.2.3" in said
    assert harmless("wks-001.contoso.com", Reading.PLAIN) == "wks-001.contoso.com"


def test_what_others_are_called_to_says_that_nobody_has_taken_it_over() -> None:
    message = compose([Line("It has failed", reminder=-1)], Reading.PLAIN, organization="contoso", more="")
    assert message.title == "Ringfence contoso: Nobody has taken this over: It has failed"


def test_many_things_are_one_message_that_says_how_many_there_are() -> None:
    lines = [Line(f"Host {number}", reminder=number) for number in range(1_000)]
    message = compose(lines, Reading.PLAIN, organization="contoso", more="https://ringfence.test/notifications")
    assert message.title == "Ringfence contoso: 1000 things to know"
    assert message.text.startswith("Host 0\n\nStill so: Host 1\n")
    assert message.text.endswith(f"And {1_000 - MOST_SHOWN} more: https://ringfence.test/notifications")
