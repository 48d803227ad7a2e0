"""A playbook drawn and published with a keyboard and nothing else: the focus is always somewhere, and where it was."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, Response, Route, expect

from databases import Sqlite
from keyboard import Keyboard
from ringfence.playbooks import drafts, library
from ringfence.storage import Database
from webserver import Site, serving


@pytest.fixture(scope="module")
def site(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a server of our own: what is published here is in nobody's way."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("designer-by-keyboard")), threads=4)
    with serving(database) as site:
        yield site
    database.close()


def step(page: Page, name: str, then: str = "") -> Locator:
    """Find a step on the canvas, which goes on to others."""
    return page.get_by_role("group", name=re.compile(f"^Step {name},.*{f'then {then}$' if then else ''}"))


def test_an_author_draws_renames_connects_takes_back_and_publishes_and_never_loses_the_place(
    page: Page, site: Site
) -> None:
    keys, organization, playbook = Keyboard(page), site.contoso.organization_id, site.contoso.playbook_id
    page.goto(f"{site.url}/playbooks/{playbook}/design")
    expect(step(page, "facts")).to_be_visible()
    keys.press("F4", "a")
    expect(page.get_by_role("searchbox", name="Search triggers")).to_be_focused()
    keys.press("Escape")
    expect(step(page, "facts")).to_be_focused()
    keys.press("a")
    page.keyboard.type("delay")
    keys.press("Enter")
    keys.fill(page.get_by_label("Duration"), "5 min")
    # What is being typed is saved with it, and the field stays where one is.
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        keys.press("Control+s")
    expect(page.get_by_label("Duration")).to_be_focused()
    assert "duration: 5 min" in site.database.read_now(lambda tx: drafts.current(tx, organization, playbook).source)
    keys.press("Escape")
    expect(step(page, "delay")).to_be_focused()

    keys.press("F2")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    keys.write("pause")
    keys.press("Tab")
    page.keyboard.type("1")
    expect(step(page, "pause")).to_be_visible()
    expect(page.get_by_label("Duration")).to_be_focused()
    expect(page.get_by_label("Duration")).to_have_value("15 min")
    keys.press("Escape", "Escape")
    expect(step(page, "pause")).to_be_focused()

    keys.press("c")
    expect(page.get_by_label("Step", exact=True)).to_be_focused()
    page.keyboard.type("mach")
    keys.press("Enter")
    expect(step(page, "pause", "machine")).to_be_focused()
    keys.press("Enter")
    keys.push(page.get_by_role("button", name="No longer after facts"))
    expect(page.get_by_text("Nothing: it begins at once.")).to_be_visible()
    expect(page.get_by_label("Let it come after")).to_be_focused()
    page.keyboard.type("facts")
    expect(page.get_by_role("button", name="No longer after facts")).to_be_visible()
    keys.press("Escape", "Delete")
    expect(step(page, "pause")).to_have_count(0)
    expect(step(page, "facts")).to_be_focused()
    keys.press("Control+z")
    expect(step(page, "pause", "machine")).to_be_visible()
    keys.press("Control+Shift+z")
    expect(step(page, "pause")).to_have_count(0)
    # What has the focus goes away, and what stands beside it has it then.
    keys.press("Control+z", "Control+z", "Control+z", "ArrowDown")
    for _ in range(8):
        keys.press("Control+z")
    expect(page.get_by_role("button", name="Undo (Ctrl Z)")).to_have_attribute("aria-disabled", "true")
    expect(page.locator(".react-flow__node:focus")).to_have_count(1)

    undone = page.get_by_role("button", name="Do again")
    keys.to(undone)
    for _ in range(5):
        keys.press("Enter")
    expect(step(page, "pause", "machine")).to_be_visible()
    expect(undone).to_be_focused()
    keys.push(page.get_by_role("button", name=re.compile("^Active")))
    dialog = page.get_by_role("dialog", name="Publish version 1.4?")
    keys.press("Escape")
    expect(page.get_by_role("button", name=re.compile("^Active"))).to_be_focused()
    keys.press("Enter")
    expect(dialog.get_by_text("Step pause is new")).to_be_visible()
    keys.fill(dialog.get_by_label("Note"), "Waits")
    keys.push(dialog.get_by_role("button", name="Publish and activate"))
    expect(page.get_by_role("button", name="Active 1.4")).to_be_focused()
    assert site.database.read_now(lambda tx: library.get(tx, organization, "Contain ransomware").version) == "1.4"
    keys.to(page.get_by_role("tab", name="Canvas"))
    keys.press("ArrowRight")
    expect(page.get_by_role("textbox", name="The playbook as YAML")).to_be_visible()
    # To look at the text is not yet to write in it.
    expect(page.get_by_role("tab", name="YAML")).to_be_focused()


def test_who_saves_again_before_the_first_answer_came_is_in_nobody_s_way(page: Page, site: Site) -> None:
    keys, organization, playbook = Keyboard(page), site.contoso.organization_id, site.contoso.playbook_id
    held: list[Route] = []
    page.goto(f"{site.url}/playbooks/{playbook}/design")
    expect(step(page, "facts")).to_be_visible()
    keys.press("Control+Home", "a")
    page.keyboard.type("delay")
    keys.press("Enter")
    passing: list[bool] = []
    page.route("**/draft", lambda route: route.continue_() if passing else held.append(route))
    for duration in ("5 min", "6 min"):
        keys.fill(page.get_by_label("Duration"), duration)
        keys.press("Control+s")
    expect(page.get_by_label("Duration")).to_be_focused()
    passing.append(True)

    def saved(duration: str) -> Callable[[Response], bool]:
        return lambda answer: answer.request.method == "PUT" and duration in (answer.request.post_data or "")

    with page.expect_response(saved("6 min")) as second, page.expect_response(saved("5 min")) as first:
        for each in held:
            each.continue_()
    assert (first.value.status, second.value.status) == (200, 200)
    assert "duration: 6 min" in site.database.read_now(lambda tx: drafts.current(tx, organization, playbook).source)
