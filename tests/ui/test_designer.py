"""The designer in a browser: once by mouse, once by keyboard alone, and looked at by axe in both themes."""

import re
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from accessibility import failures
from ringfence.playbooks import drafts
from ringfence.storage import Transaction
from webserver import Site


@pytest.fixture
def design(page: Page, site: Site) -> Iterator[Page]:
    """Open the designer on a playbook without a draft, and throw the draft away at the end."""
    page.goto(f"{site.url}/playbooks/{site.contoso.playbook_id}/design")
    expect(step(page, "facts")).to_be_visible()
    yield page

    def clear(tx: Transaction) -> None:
        organization, playbook = site.contoso.organization_id, site.contoso.playbook_id
        if drafts.find(tx, organization, playbook).revision is not None:
            drafts.discard(tx, organization, playbook, "megan")

    site.database.run_now(clear)


def step(page: Page, name: str) -> Locator:
    """Find a step on the canvas."""
    return page.get_by_role("group", name=re.compile(f"^Step {name},"))


def source(page: Page) -> Locator:
    """Go to the text and find it."""
    page.get_by_role("tab", name="YAML").click()
    return page.get_by_role("textbox", name="The playbook as YAML")


def test_a_playbook_is_drawn_by_mouse_saved_and_published_after_a_question(design: Page, site: Site) -> None:
    page = design
    page.get_by_role("button", name="Approval").drag_to(
        page.locator(".react-flow__pane"), target_position={"x": 60, "y": 420}
    )
    expect(page.get_by_role("heading", name="Approval")).to_be_visible()
    page.get_by_label("Question").fill("Isolate #hostName")
    page.get_by_label("Question").press_sequentially(" #computerdns")
    page.get_by_role("option", name=re.compile("trigger.alert.computerDnsName")).first.click()
    expect(page.get_by_label("Question")).to_have_value(re.compile(r"\$\{trigger\.alert\.computerDnsName\}$"))
    page.get_by_label("Comment", exact=True).fill("Tier 2 decides")
    page.get_by_role("button", name="Close (Escape)").click()
    expect(step(page, "approval").get_by_text("Tier 2 decides")).to_be_visible()

    port = step(page, "known").locator(".react-flow__handle").nth(1)
    port.drag_to(step(page, "approval"), target_position={"x": 95, "y": 4})
    expect(page.get_by_label(re.compile(r"^Step known,.*approval"))).to_be_visible()
    page.get_by_role("button", name="Undo (Ctrl Z)").click()
    expect(page.get_by_label(re.compile(r"^Step known,.*approval"))).to_have_count(0)
    page.get_by_role("button", name="Do again (Ctrl Shift Z)").click()
    expect(page.get_by_label(re.compile(r"^Step known,.*approval"))).to_be_visible()

    expect(source(page)).to_contain_text("after: facts")
    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_text("Step approval is new: logic.approval, after known.yes.")).to_be_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_role("status").filter(has_text="Saved").first).to_be_visible()

    page.get_by_role("tab", name="Test").click()
    page.get_by_label("On", exact=True).select_option(index=1)
    page.get_by_role("button", name="Dry run").click()
    expect(step(page, "isolate").get_by_text("done")).to_be_visible()

    page.get_by_role("button", name=re.compile("^Active")).click()
    dialog = page.get_by_role("dialog", name="Publish version 1.4?")
    expect(dialog.get_by_text("Step approval is new")).to_be_visible()
    dialog.get_by_role("button", name="Not yet").click()
    saved = site.database.read_now(
        lambda tx: drafts.current(tx, site.contoso.organization_id, site.contoso.playbook_id).source
    )
    assert "note: Tier 2 decides" in saved
    assert saved.startswith("# ")


def test_a_playbook_is_drawn_by_keyboard_alone(design: Page, site: Site) -> None:
    page, keys = design, design.keyboard
    keys.press("F4")
    expect(step(page, "facts")).to_be_focused()
    keys.press("ArrowDown")
    expect(step(page, "machine")).to_be_focused()
    keys.press("a")
    expect(page.get_by_role("searchbox", name="Search triggers, operators and apps")).to_be_focused()
    keys.type("delay")
    keys.press("Enter")
    heading = page.get_by_role("heading", name="Delay")
    expect(heading).to_be_focused()
    duration = page.get_by_label("Duration")
    while not duration.evaluate("element => element === document.activeElement"):
        keys.press("Tab")
    keys.type("5 min")
    keys.press("Enter")
    expect(step(page, "delay").get_by_text("5 min")).to_be_visible()
    keys.press("Escape")
    expect(step(page, "delay")).to_be_focused()

    keys.press("c")
    expect(page.get_by_role("dialog", name="Connect delay to …")).to_be_visible()
    page.get_by_label("Step", exact=True).focus()
    keys.type("iso")
    keys.press("Enter")
    expect(page.get_by_label(re.compile(r"^Step delay,.*then isolate"))).to_be_focused()
    keys.press("Delete")
    expect(step(page, "delay")).to_have_count(0)
    expect(step(page, "machine")).to_be_focused()
    keys.press("Control+z")
    expect(step(page, "delay")).to_be_visible()
    keys.press("Control+s")
    expect(page.get_by_text("Saved", exact=True).first).to_be_visible()
    saved = site.database.read_now(
        lambda tx: drafts.current(tx, site.contoso.organization_id, site.contoso.playbook_id).source
    )
    assert "  delay:\n    after: machine\n    action: logic.delay\n    with:\n      duration: 5 min\n" in saved
    assert "after: [known.yes, delay]" in saved


def test_the_designer_has_no_accessibility_failure_in_either_theme(design: Page) -> None:
    page, axe = design, Axe()
    assert failures(page, axe) == []
    step(page, "isolate").dblclick()
    expect(page.get_by_label("Auto release")).to_be_visible()
    for details in page.locator(".panel details").all():
        details.evaluate("element => { element.open = true }")
    assert failures(page, axe) == []
    page.get_by_role("group", name=re.compile("^Trigger")).dblclick()
    expect(page.get_by_role("heading", name="Defender alert")).to_be_visible()
    assert failures(page, axe) == []
    expect(source(page)).to_be_visible()
    assert failures(page, axe) == []
    page.get_by_role("tab", name="Test").click()
    page.get_by_label("On", exact=True).select_option(index=1)
    page.get_by_role("button", name="Dry run").click()
    expect(step(page, "isolate").get_by_text("done")).to_be_visible()
    assert failures(page, axe) == []
    page.get_by_role("button", name="Keys (?)").click()
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert failures(page, axe) == []
