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


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize("reading", Reading)
def test_hostile_words_become_one_harmless_line(words: str, reading: Reading) -> None:
    message = compose([Line(words, words, (LINK,))], reading, organization="contoso", more="")
    assert message.title.isprintable()
    assert len(message.title) <= 200
    assert message.text.count("\n") <= 2
    assert message.text.endswith("Approve: https://ringfence.test/answer?token=1.2.3")
    message.text.encode()


def test_many_things_are_one_message_that_says_how_many_there_are() -> None:
    lines = [Line(f"Host {number}", reminder=number) for number in range(1_000)]
    message = compose(lines, Reading.PLAIN, organization="contoso", more="https://ringfence.test/notifications")
    assert message.title == "Ringfence contoso: 1000 things to know"
    assert message.text.startswith("Host 0\n\nStill so: Host 1\n")
    assert message.text.endswith(f"And {1_000 - MOST_SHOWN} more: https://ringfence.test/notifications")
