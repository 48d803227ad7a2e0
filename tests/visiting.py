"""Visits of pages in a browser: what went wrong on the way, how much came before anything was seen, and pictures."""

from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from every_page import Page as Listed

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
WIDTHS = {1280: 800, 1920: 1080}
"""Widths of windows in pixels, and how high each is."""
NARROW = 390
"""The width of a telephone."""
PATIENCE = 60_000
"""Milliseconds to wait for what must come: a browser on a busy machine is slow, and waiting costs nothing where it is not."""

# Before anything of the page: what its policy forbids, and what moves after it was seen. A shift by somebody's own doing,
# such as a window made narrower, is none of the page's.
_WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.__violations.push(`${event.effectiveDirective}: ${event.blockedURI || event.sample}`));
window.__shift = 0;
if (PerformanceObserver.supportedEntryTypes.includes("layout-shift"))
  new PerformanceObserver((list) => { for (const each of list.getEntries()) window.__shift += each.value; })
    .observe({ type: "layout-shift", buffered: true });
"""
# What has to have come before anything is painted: the page, what blocks painting, and fonts that are loaded ahead.
_BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")
    .filter((each) => each.renderBlockingStatus === "blocking" || each.name.split("?")[0].endsWith("inter.woff2"))]
  .map((each) => [each.name, each.encodedBodySize])"""
_SETTLED = """async () => { await document.fonts.ready;
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); }"""
# What reaches beyond the window, where the page as a whole can be scrolled aside.
_WIDE = """() => { const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const own = (each) => `<${each.tagName.toLowerCase()} class="${each.getAttribute("class") ?? ""}">`;
  return [`${root.scrollWidth} of ${root.clientWidth} pixels`, ...[...document.body.querySelectorAll("*")]
    .filter((each) => each.getBoundingClientRect().right > root.clientWidth + 1).slice(0, 4).map(own)]; }"""


# In a table that scrolls, the buttons at the ends of its rows are out of sight.
_SCROLLS = """() => [...document.querySelectorAll("main .scroll")].filter((each) => each.scrollWidth > each.clientWidth + 1)
  .map((each) => `a table of ${each.scrollWidth} pixels in ${each.clientWidth}: ${each.innerText.slice(0, 60)}`)"""


@dataclass
class Witness:
    """What went wrong on a page, and which other hosts it asked."""

    console: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    failed: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        """Take note of everything from now on."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.console.append(str(error)))
        page.on("request", self._asked)
        page.on("response", self._answered)

    def _said(self, message: ConsoleMessage) -> None:
        # That the page itself answers 404, say, is known by its status.
        own = (
            message.text.startswith("Failed to load resource")
            and message.page is not None
            and message.location["url"] == message.page.url
        )
        if message.type != "log" and not own:
            self.console.append(message.text)

    def _asked(self, request: Request) -> None:
        if not request.url.startswith(("data:", "blob:")):
            self.hosts.add(urlsplit(request.url).netloc)

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and not response.request.is_navigation_request():
            self.failed.append(f"{response.status} {response.url}")


@dataclass
class Guests:
    """One window for each kind of visitor, in one browser, with one witness each."""

    url: str
    values: Mapping[str, str]
    contexts: dict[str, tuple[Page, Witness]]

    def window(self, listed: Listed) -> tuple[Page, Witness]:
        """Return the window of who visits a page, and its witness, who has seen nothing yet."""
        page, witness = self.contexts[listed.visits]
        witness.console.clear()
        witness.failed.clear()
        return page, witness

    def visit(self, listed: Listed) -> tuple[Page, Witness, list[str]]:
        """Open a page in a window of 1280 pixels and a light theme, and wait until it stands; list what is wrong with it."""
        page, witness = self.window(listed)
        page.set_viewport_size({"width": 1280, "height": WIDTHS[1280]})
        page.emulate_media(color_scheme="light")
        answer = page.goto(self.url + listed.address.format_map(self.values))
        assert answer is not None
        stand(page, listed)
        wrong = [] if answer.status == listed.status else [f"It answers {answer.status}."]
        shift = float(page.evaluate("window.__shift"))
        if shift >= 0.1:
            wrong.append(f"It moves by {shift:.2f} after it was seen.")
        return page, witness, wrong


def stand(page: Page, listed: Listed) -> None:
    """Wait until a page is drawn, and hears what happens."""
    if page.locator("#stream").count():
        page.locator("html[data-stream=live]").wait_for()
    if listed.canvas:
        page.locator(".react-flow__node").first.wait_for()
    page.evaluate(_SETTLED)


def weight(page: Page) -> dict[str, int]:
    """Return how many bytes came before anything could be painted, by address, as they were on the way."""
    return {urlsplit(name).path: size for name, size in page.evaluate(_BYTES)}


def too_wide(page: Page, width: int) -> list[str]:
    """Say what is wider than a window of this width."""
    page.set_viewport_size({"width": width, "height": WIDTHS.get(width, 800)})
    return [f"at {width}: {each}" for each in page.evaluate(_WIDE)]


def cut_off(page: Page) -> list[str]:
    """Say which tables do not fit the window as it is."""
    return [str(each) for each in page.evaluate(_SCROLLS)]


def pictures(page: Page, listed: Listed, folder: Path, name: str) -> None:
    """Save what windows of both widths show in both themes."""
    folder.mkdir(parents=True, exist_ok=True)
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        if listed.canvas and width != 1280:
            # A drawing keeps its place when a window grows, and is fitted into it when it is opened.
            page.reload()
            stand(page, listed)
        for theme in THEMES:
            page.emulate_media(color_scheme=theme)
            (folder / f"{name}-{width}-{theme}.png").write_bytes(taken(page))


def taken(page: Page, form: Literal["png", "webp"] = "png", *, quality: int = 0, scale: float = 1) -> bytes:
    """Return a picture of what a window shows."""
    # Not `page.screenshot`, which packs pictures much smaller in five times the time.
    session = page.context.new_cdp_session(page)
    wish = {"optimizeForSpeed": True} if form == "png" else {"quality": quality}
    size = page.viewport_size
    clip = {"x": 0, "y": 0, **size, "scale": scale} if size and scale != 1 else None
    answer = session.send("Page.captureScreenshot", {"format": form, **wish, **({"clip": clip} if clip else {})})
    session.detach()
    return b64decode(answer["data"])


@contextmanager
def guests(browser: Browser, url: str, values: Mapping[str, str], tokens: Mapping[str, str]) -> Iterator[Guests]:
    """Open the windows; `tokens` are the cookies of who is signed in or on their way in, by who visits."""
    opened: dict[str, tuple[Page, Witness]] = {}
    contexts: list[BrowserContext] = []
    for who, token in tokens.items():
        context = browser.new_context(viewport={"width": 1280, "height": WIDTHS[1280]}, reduced_motion="reduce")
        contexts.append(context)
        if token:
            name = "ringfence-step" if who in ("code", "enrol") else "ringfence"
            context.add_cookies([cast(Any, {"name": name, "value": token, "url": url})])
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        witness = Witness()
        witness.watch(page)
        opened[who] = (page, witness)
    yield Guests(url, values, opened)
    for context in contexts:
        context.close()
