"""What an attacker may write into an alert, a file name or a host name, and how a page must show it: as text."""

from html.parser import HTMLParser

HOSTILE = (
    "<script>document.title='owned'</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "<div hx-get=/sign-out hx-trigger=load>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}",
    "${7*7}",
    "javascript:alert(1)",
    "\u202egpj.exe",
    "a\x00b",
    "&lt;b&gt;",
    '=HYPERLINK("http://fabrikam.com")',
    "🦘" * 50,
    "x" * 5000,
)


CORPUS = {
    **{f"markup {number}": text for number, text in enumerate(HOSTILE)},
    "expression": "${`7`}${trigger.secret}",
    "escaped expression": "$${`7`} $$${`7`}",
    "open expression": "${",
    "jmespath": "trigger.secret || `7`",
    "jinja": "{{ 7*7 }}{% for x in y %}{# #}{{ config }}",
    "other templates": "<%= 7*7 %>#{7*7}@(7*7)*{7*7}%7B%7B7*7%7D%7D",
    "format": "%s%n%(x)s{0.__class__}{x!r}",
    "shell": "`id`; $(id) | rm -rf / && echo",
    "sql": "'; DROP TABLE alerts; --",
    "kql": "' | union SecretTable | take 1 //",
    "odata": "' or 1 eq 1 or title eq '",
    "path": "../../../../etc/passwd\x00.png",
    "header": "x\r\nSet-Cookie: a=b\r\n\r\n<script>",
    "formula": "=cmd|' /C calc'!A0",
    "other formulas": "+1\t-1\t@SUM(A1)\t=1",
    "control": "".join(map(chr, range(32))) + "\x7f\x85\x9b",
    "terminal": "\x1b[2J\x1b]0;owned\x07\x1b[31m",
    "directions": "\u202e\u2066\u200b\u200f\ufeff\u2028\u2029",
    "combining": "Z" + "\u0301" * 500,
    "NUL": "a\x00b",
    "half a pair": "a\ud83db\udc00",
    "not a character": "\ufffe\uffff\U0010ffff",
    "a number": "9" * 5_000,
    "JSON": '{"__proto__": {"x": 1}, "$ref": "#"}',
    "deep JSON": "[" * 5_000 + "]" * 5_000,
    "YAML": "!!python/object/apply:os.system ['id']",
    "nothing": "",
    "blank": " \t\n ",
}
"""What may stand in any field of an alert, by what it attacks."""

HUGE = "🦘" * (1024 * 1024)
"""Four mebibytes of UTF-8."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag in {"img", "iframe", "object", "embed", "style", "base", "b"}:
            self.found.append(f"<{tag}>")
        if tag == "script" and not values.get("src", "").startswith("/static/"):
            self.found.append("<script>")
        for name, value in values.items():
            own = name in {"href", "src", "action", "formaction", "hx-get", "hx-sse:connect"}
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}={value}")
            if own and not (value.startswith(("/", "#")) and not value.startswith("//")):
                self.found.append(f"{tag} {name}={value}")
            if name.startswith("hx-") and "sign-out" in value.partition("?")[0]:
                self.found.append(f"{tag} {name}={value}")


def dangers(page: str) -> list[str]:
    """Return whatever a browser would run, load or follow on this page although it is not ours."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.found
