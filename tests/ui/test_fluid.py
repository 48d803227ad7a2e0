"""400 steps stay fluid: what is drawn anew is counted, since time depends on the machine."""

import re
from datetime import timedelta

import sqlalchemy as sa
from playwright.sync_api import Page, expect

from four_hundred import four_hundred
from ringfence import clock
from ringfence.playbooks import drafts
from ringfence.storage import Transaction, tables
from webserver import Site

_COUNT = """() => {
  window.seen = { changes: 0, elements: new Set() };
  const note = (node) => node.nodeType === 1 && window.seen.elements.add(node.closest(".react-flow__node")?.dataset.id ?? "");
  new MutationObserver((changes) => {
    window.seen.changes += changes.length;
    for (const { target } of changes) if (target.closest?.(".react-flow__node")) note(target);
  }).observe(document.getElementById("designer"), { subtree: true, childList: true, attributes: true, characterData: true });
}"""
_TAKE = """() => {
  const { changes, elements } = window.seen;
  window.seen = { changes: 0, elements: new Set() };
  return [changes, elements.size];
}"""


def test_of_400_steps_only_what_is_looked_at_is_there_and_only_what_changes_is_drawn_anew(
    page: Page, site: Site
) -> None:
    saved = site.database.run_now(
        lambda tx: drafts.save(tx, site.contoso.organization_id, four_hundred(), "megan.bowen")
    )
    page.goto(f"{site.url}/playbooks/{saved.playbook_id}/design")
    first = page.get_by_role("group", name=re.compile("^Step first,"))
    expect(first).to_be_visible()
    expect(page.get_by_text("No problems")).to_be_visible()
    nodes = page.locator(".react-flow__node")
    assert nodes.count() < 30
    # Of the toolbox what is unfolded.
    assert page.locator(".parts *").count() < 250
    page.get_by_text("Triggers").click()
    expect(page.get_by_role("button", name="Webhook")).to_be_visible()
    page.evaluate(_COUNT)

    first.click()
    expect(first).to_have_class(re.compile("selected"))
    changes, steps = page.evaluate(_TAKE)
    assert (steps, changes < 20) == (1, True), changes

    box = first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 40, box["y"] + 20)
    page.mouse.down()
    for way in range(10):
        page.mouse.move(box["x"] + 40 - 8 * way, box["y"] + 20)
    _, steps = page.evaluate(_TAKE)
    assert steps == 1
    # Where it was dropped is kept, and from now on everything stays where it stands.
    with page.expect_response("**/check"):
        page.mouse.up()
    expect(page.get_by_text("No problems")).to_be_visible()

    first.dblclick()
    comment = page.get_by_label("Comment", exact=True)
    expect(comment).to_be_visible()
    # Lists of 400 names are there when somebody goes to them.
    assert page.locator(".panel option").count() < 40
    page.get_by_label("Connect success to").focus()
    expect(page.locator(".panel option[value=no_132]")).to_be_attached()
    comment.focus()
    page.evaluate(_TAKE)
    page.keyboard.type("abc")
    changes, steps = page.evaluate(_TAKE)
    assert (steps, changes < 10) == (0, True), changes

    page.keyboard.press("Escape")
    expect(first).to_be_focused()
    expect(first.get_by_text("abc")).to_be_visible()

    page.get_by_role("button", name="Show everything").click()
    expect(nodes.nth(100)).to_be_attached()
    # From far away a step is one thing, in its frame.
    assert page.evaluate(
        "[...document.querySelectorAll('.react-flow__node')].every(n => n.querySelectorAll('*').length < 2)"
    )
    page.get_by_role("button", name="Undo (Ctrl Z)").click()
    expect(page.locator(".saved-state")).to_have_text("Not saved")


def test_of_a_run_with_400_steps_only_what_went_on_is_drawn_anew(page: Page, site: Site) -> None:
    contoso, run, version, began = site.contoso, clock.new_id(), clock.new_id(), clock.now() - timedelta(minutes=5)
    names = re.findall(r"^  (\w+):", four_hundred(), re.MULTILINE)

    def store(tx: Transaction) -> None:
        own = {"id": version, "playbook_id": contoso.playbook_id, "major": 9, "minor": 400, "source": four_hundred()}
        tx.execute(sa.insert(tables.playbook_versions), [own | {"published_at": began, "published_by": "megan.bowen"}])
        (like,) = tx.all(sa.select(tables.runs).where(tables.runs.c.id == contoso.live_run_id))
        again = {
            "id": run,
            "cause_key": run,
            "playbook_version_id": version,
            "status": "running",
            "requested_at": began,
        }
        tx.execute(sa.insert(tables.runs), [{**like, **again}])
        row = {"run_id": run, "iteration": 0, "action": "logic.set", "status": "pending", "attempt": 0, "error": ""}
        tx.execute(sa.insert(tables.step_runs), [row | {"step": each, "position": at} for at, each in enumerate(names)])

    site.database.run_now(store)
    page.goto(f"{site.url}/executions/{run}/canvas")
    first = page.get_by_role("group", name=re.compile("^Step first,"))
    expect(first.get_by_text("Not started")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    expect(page.locator(".react-flow__minimap-node").first).to_be_attached()
    assert page.locator(".react-flow__node").count() < 40
    page.evaluate(_COUNT)

    def go_on(tx: Transaction) -> None:
        own = (tables.step_runs.c.run_id == run) & (tables.step_runs.c.step == "first")
        tx.execute(sa.update(tables.step_runs).where(own).values(status="failed", error="No.", started_at=began))
        tx.changed(contoso.organization_id, "run", run, "running")

    site.database.run_now(go_on)
    expect(first.get_by_text("Failed")).to_be_visible()
    changes, steps = page.evaluate(_TAKE)
    assert (steps, changes < 60) == (1, True), (changes, steps)
