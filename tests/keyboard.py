"""A person who has a keyboard and nothing else: they go with Tab to what is called so, and must see where they are."""

from playwright.sync_api import Locator, Page, expect

_MOST = 200
# Is it where the focus is, and if so: is that to be seen, on it or on the label that stands for it?
_LOOK = """element => {
  if (element !== document.activeElement) return "";
  const shown = [element, element.closest("label"), element.querySelector?.("rect")].filter(Boolean);
  const marked = shown.some((each) => {
    const { outlineStyle, outlineWidth, boxShadow, strokeWidth } = getComputedStyle(each);
    const stroke = each.matches("rect") && parseFloat(strokeWidth) > 1;
    return (outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none" || stroke;
  });
  const { top, bottom, width } = element.getBoundingClientRect();
  const inside = width > 0 && bottom > 0 && top < innerHeight;
  return element.matches(":focus-visible") && marked && inside ? "seen" : "unseen";
}"""

# About how many stops it is away: what is asked at each stop costs more than the stop.
_AHEAD = """element => {
  const stops = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled && (each.type !== "radio" || each.checked) && each.checkVisibility());
  return stops.indexOf(element) - stops.indexOf(document.activeElement);
}"""


class Keyboard:
    """The keys of a page."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def press(self, *keys: str) -> None:
        """Press keys one after the other."""
        for key in keys:
            self._page.keyboard.press(key)

    def write(self, text: str) -> None:
        """Write a text where the focus is, instead of what is there."""
        self._page.keyboard.press("Control+a")
        self._page.keyboard.type(text)

    def to(self, target: Locator) -> None:
        """Go on with Tab until the focus is on it, and see it there."""
        expect(target).to_be_visible()
        for _ in range(target.evaluate(_AHEAD) - 3):
            self._page.keyboard.press("Tab")
        for _ in range(_MOST):
            look = target.evaluate(_LOOK)
            if look:
                assert look == "seen", f"nobody sees that the focus is on {target}"
                return
            self._page.keyboard.press("Tab")
        raise AssertionError(f"{target} is not reached with Tab")

    def push(self, target: Locator) -> None:
        """Go to a button, a link or what folds, and press Enter on it."""
        self.to(target)
        self.press("Enter")

    def go(self, target: Locator) -> None:
        """Press Enter on a button or a link, and wait for the page that it leads to."""
        self.to(target)
        self.enter()

    def enter(self) -> None:
        """Press Enter where the focus is, and wait for the page that it leads to."""
        with self._page.expect_navigation():
            self.press("Enter")

    def fill(self, target: Locator, text: str) -> None:
        """Go to a field and write into it; of a list that unfolds, choose what begins so."""
        self.to(target)
        if target.evaluate("element => element.tagName") == "SELECT":
            self._page.keyboard.type(text)
        else:
            self.write(text)
