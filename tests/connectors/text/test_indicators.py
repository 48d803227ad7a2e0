from typing import Any

import pytest

from acting import Scene
from hostile import HOSTILE
from ringfence.actions import Result
from ringfence.actions.catalogue import discover
from ringfence.connectors.text.indicators import KINDS

ACTIONS = discover().connectors["text"].actions


async def _do(action: str, text: str, **more: Any) -> Any:
    answer = await ACTIONS[f"text.{action}"].call(Scene(), {"text": text, **more})
    assert isinstance(answer, Result)
    return answer.output


TEXT = """Seen: hxxps://Beacon[.]fabrikam[.]com:8443/x?y=1, then http://198.51.100[.]7/a.exe and (fxp://files.fabrikam.com)
from 8.8.8.8:53 and [2606:4700:4700::1111]; mail bad.guy+1[at]fabrikam[dot]com, host wks-001.contoso.com, locker.exe, invoice.pdf
src=9.9.9.9 CVE-2026-12345 md5=d41d8cd98f00b204e9800998ecf8427e DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 10.0.0.5
e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 8.8.8.8 version 1.2.3 3.14 e.g. "and/or" 999.1.1.1"""


async def test_indicators_are_found_once_in_the_order_of_the_text() -> None:
    assert await _do("indicators", TEXT) == {
        "ipv4": ["8.8.8.8", "9.9.9.9"],
        "ipv6": ["2606:4700:4700::1111"],
        "url": [
            "https://Beacon.fabrikam.com:8443/x?y=1",
            "http://198.51.100.7/a.exe",
            "ftp://files.fabrikam.com",
        ],
        "domain": ["beacon.fabrikam.com", "files.fabrikam.com", "wks-001.contoso.com"],
        "email": ["bad.guy+1@fabrikam.com"],
        "md5": ["d41d8cd98f00b204e9800998ecf8427e"],
        "sha1": ["da39a3ee5e6b4b0d3255bfef95601890afd80709"],
        "sha256": ["e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
        "cve": ["CVE-2026-12345"],
        "more": False,
    }
    found = await _do("indicators", "10.0.0.5 fe80::1 198.51.100.7", private=True)
    assert (found["ipv4"], found["ipv6"]) == (["10.0.0.5", "198.51.100.7"], ["fe80::1"])


@pytest.mark.parametrize(
    ("text", "harmless"),
    [
        ("see https://evil.fabrikam.com/a.b.", "see hxxps://evil[.]fabrikam[.]com/a.b."),
        ("8.8.8.8:53, a@fabrikam.com", "8[.]8[.]8[.]8:53, a[@]fabrikam[.]com"),
        ("evil.fabrikam.com/x", "evil[.]fabrikam[.]com/x"),
        ("2606:4700::1", "2606[:]4700[:][:]1"),
        ("locker.exe is fine. So is 1.2 e.g.", "locker.exe is fine. So is 1.2 e.g."),
    ],
)
async def test_links_and_addresses_are_made_harmless_and_come_back(text: str, harmless: str) -> None:
    assert await _do("defang", text) == harmless
    assert await _do("refang", harmless) == text


async def test_there_is_an_end_to_what_is_found() -> None:
    text = " ".join(f"host{number}.contoso.com" for number in range(1_200))
    found = await _do("indicators", text)
    assert (len(found["domain"]), found["more"]) == (1_000, True)


_FLOODS = ["a." * 20_000, "." * 50_000, "h" * 50_000, "hxxp[" * 10_000, "http://[" * 10_000, "@" * 50_000]


@pytest.mark.parametrize("number", range(len(HOSTILE) + len(_FLOODS)))
async def test_hostile_text_is_looked_through_without_trouble(number: int) -> None:
    text = [*HOSTILE, *_FLOODS][number][:200_000]
    found = await _do("indicators", text)
    assert set(found) == {*KINDS, "more"}
    assert isinstance(await _do("defang", text), str)
