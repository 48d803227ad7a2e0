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
