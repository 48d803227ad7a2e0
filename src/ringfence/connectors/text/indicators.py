"""Indicators of compromise in text: make them harmless, make them usable again, find them.

Finding them takes time in proportion to the length of the text: it is cut into words, and each word is looked at once.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import Field

from ringfence.actions import Context, Effect, Json
from ringfence.connectors.text import bounded, connector

Text = Annotated[str, Field(description="The text; as a rule ${…}.", json_schema_extra={"format": "multi-line"})]

KINDS: Final = ("ipv4", "ipv6", "url", "domain", "email", "md5", "sha1", "sha256", "cve")
_MOST: Final = 1_000
_LONGEST_WORD: Final = 2_048
_LONGEST_READ: Final = 300_000
_HASHES: Final = {32: "md5", 40: "sha1", 64: "sha256"}
_HEX: Final = re.compile(r"[0-9a-fA-F]+\Z")
_CVE: Final = re.compile(r"CVE-\d{4}-\d{4,7}\Z", re.IGNORECASE)
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?\Z")
_TOP: Final = re.compile(r"([a-z]{2,24}|xn--[a-z0-9-]{2,59})\Z")
_MAILBOX: Final = re.compile(r"[A-Za-z0-9._%+'-]{1,64}\Z")
_WORD: Final = re.compile(r"[^\s<>\"'`(),;|{}\[\]\\^]+")
_ENDS: Final = ".,:;!?*_-~…"
# Names of files look like domains; these are what they end in far more often than a domain does.
_FILE_ENDS: Final = (
    "bat bin bmp cmd config cpl css dat dll doc docm docx exe gif hta htm html ini iso jar jpeg jpg js json jse key lnk log "
    "msi msp odt ocx pdf php png ppt pptx ps1 psd1 psm1 py reg rtf scr sys tar tmp txt vbe vbs wsf xls xlsm xlsx xml yaml yml"
)
_FILES: Final = frozenset(_FILE_ENDS.split())
_REFANG: Final = (
    (re.compile(r"\b(h)(?:xx|\*\*|tt)(ps?)(?=\s?(?:\[?:\]?//|\[://\]))", re.IGNORECASE), r"\1tt\2"),
    (re.compile(r"\bfxp(s?)(?=\[?:\]?//)", re.IGNORECASE), r"ftp\1"),
    (re.compile(r"\[://\]"), "://"),
    (re.compile(r"\[:\]"), ":"),
    (re.compile(r"\[(?:\.|dot)\]|\((?:\.|dot)\)|\{(?:\.|dot)\}", re.IGNORECASE), "."),
    (re.compile(r"\[(?:@|at)\]|\((?:@|at)\)|\{(?:@|at)\}", re.IGNORECASE), "@"),
    (re.compile(r"\[/\]"), "/"),
)


@connector.action(effect=Effect.PURE)
async def defang(context: Context, text: Text) -> Json:
    """Make links, addresses and domains in a text harmless: `hxxps://evil[.]contoso[.]com`, `203[.]0[.]113[.]7`.

    Example:
        harmless:
          action: text.defang
          with: {text: "${trigger.alert.description}"}
    """
    parts, at = list[str](), 0
    text = bounded(text)
    for word in _WORD.finditer(text):
        parts += (text[at : word.start()], _harmless(word[0]))
        at = word.end()
    return "".join((*parts, text[at:]))


@connector.action(effect=Effect.PURE)
async def refang(context: Context, text: Text) -> Json:
    """Make harmless links, addresses and domains usable again.

    Example:
        usable:
          action: text.refang
          with: {text: "hxxps://beacon[.]fabrikam[.]com/x"}
    """
    return _usable(bounded(text))


@connector.action(effect=Effect.PURE)
async def indicators(
    context: Context,
    text: Text,
    private: Annotated[bool, Field(description="Also give addresses that are not public.")] = False,
) -> Json:
    """Find indicators in a text, harmless ones too: addresses, links, domains, mail addresses, hashes and CVEs.

    The output has `ipv4`, `ipv6`, `url`, `domain`, `email`, `md5`, `sha1`, `sha256` and `cve`, each a list without doubles in
    the order of the text, together at most 1000, and `more`, which says that some were left out.

    Example:
        found:
          action: text.indicators
          with: {text: "${trigger.alert.description}"}
    """
    found: dict[str, dict[str, None]] = {kind: {} for kind in KINDS}
    count, more = 0, False
    for word in _WORD.finditer(_usable(bounded(text, _LONGEST_READ))):
        for kind, value in _seen(word[0], private):
            if value in found[kind]:
                continue
            if count == _MOST:
                more = True
                break
            found[kind][value] = None
            count += 1
    lists: dict[str, Json] = {kind: list[Json](values) for kind, values in found.items()}
    return lists | {"more": more}


def _usable(text: str) -> str:
    for pattern, replacement in _REFANG:
        text = pattern.sub(replacement, text)
    return text


def _harmless(word: str) -> str:
    scheme, mark, rest = word.partition("://")
    if mark:
        low = scheme.casefold()
        changed = {"http": "hxxp", "https": "hxxps", "ftp": "fxp"}.get(low, scheme)
        host, slash, path = rest.partition("/")
        return f"{changed}{mark}{host.replace('.', '[.]')}{slash}{path}"
    bare = word.strip(_ENDS)
    mailbox, at, domain = bare.rpartition("@")
    if at and _domain(domain):
        return word.replace(bare, f"{mailbox}[@]{domain.replace('.', '[.]')}")
    host, slash, path = bare.partition("/")
    name, colon, port = host.partition(":")
    if _address(name) is not None or _domain(name):
        return word.replace(bare, f"{name.replace('.', '[.]')}{colon}{port}{slash}{path}")
    if _address(bare) is not None:
        return word.replace(bare, bare.replace(":", "[:]"))
    return word


def _seen(word: str, private: bool) -> Iterator[tuple[str, str]]:
    word = word.strip(_ENDS)
    if len(word) > _LONGEST_WORD:
        return
    scheme, mark, rest = word.partition("://")
    if mark and scheme.casefold().rpartition("=")[2] in ("http", "https", "ftp"):
        scheme = scheme.rpartition("=")[2]
        address = f"{scheme.casefold()}://{rest}"
        host = _host(address)
        if host:
            yield "url", address
            yield from _named(host, private)
        return
    for part in word.split("="):
        yield from _named(part.strip(_ENDS), private)


def _named(text: str, private: bool) -> Iterator[tuple[str, str]]:
    if _HEX.match(text) and len(text) in _HASHES:
        yield _HASHES[len(text)], text.lower()
        return
    if _CVE.match(text):
        yield "cve", text.upper()
        return
    mailbox, at, domain = text.rpartition("@")
    if at and _MAILBOX.match(mailbox) and _domain(domain):
        yield "email", f"{mailbox}@{domain.lower()}"
        return
    if (address := _address(text)) is not None:
        if private or (address.is_global and not address.is_multicast):
            yield f"ipv{address.version}", str(address)
        return
    host = text.partition("/")[0]
    name, _, port = host.partition(":")
    if port.isdecimal() and (address := _address(name)) is not None:
        if private or address.is_global:
            yield f"ipv{address.version}", str(address)
    elif _domain(name):
        yield "domain", name.lower().rstrip(".")


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if not 2 <= len(text) <= 45 or not text[0].isascii():
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _domain(text: str) -> bool:
    labels = text.lower().rstrip(".").split(".")
    if len(labels) < 2 or len(text) > 253 or labels[-1] in _FILES or not _TOP.match(labels[-1]):
        return False
    return all(_LABEL.match(each) for each in labels)
