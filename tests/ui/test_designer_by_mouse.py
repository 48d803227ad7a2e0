"""What an author does on the canvas by mouse, beyond drawing: put in between, tidy up, copy, compare, call, play."""

import asyncio
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Locator, Page, Position, expect

from databases import Sqlite
from ringfence.actions.catalogue import discover
from ringfence.playbooks import drafts, library
from ringfence.playbooks.playing import Played, PlayedStep, Playing
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.storage import Database, Transaction
from webserver import Site, serving

COMPONENT = """ringfence: 1
kind: component
name: Look up
inputs:
  host: {type: string, required: true, description: Whose facts.}
  deep: {type: boolean, default: false}
outputs:
  owner: {type: string, value: "${steps.one.owner}"}
steps:
  one: {action: logic.set, with: {values: {owner: nobody}}}
"""


@pytest.fixture(scope="module")
def site(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a server of our own: what is published here is in nobody's way."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("by-mouse")), threads=4)
    with serving(database) as site:
        yield site
    database.close()


def step(page: Page, name: str) -> Locator:
    """Find a step on the canvas."""
    return page.get_by_role("group", name=re.compile(f"^Step {name},"))


def drop_between(page: Page, entry: str, above: Locator, below: Locator) -> None:
    """Drag an entry of the toolbox onto the line that leads from one thing straight down to another."""
    top, bottom, canvas = above.bounding_box(), below.bounding_box(), page.locator(".canvas").bounding_box()
    assert top is not None
    assert bottom is not None
    assert canvas is not None
    spot: Position = {
        "x": bottom["x"] + bottom["width"] / 2 - canvas["x"],
        "y": bottom["y"] - (bottom["y"] - top["y"] - top["height"]) / 4 - canvas["y"],
    }
    page.get_by_role("button", name=entry, exact=True).drag_to(page.locator(".canvas"), target_position=spot)
    expect(page.get_by_role("heading", name=entry)).to_be_focused()
    page.keyboard.press("Escape")


def saved(page: Page, site: Site, playbook: str) -> str:
    """Save the draft and return it."""
    with page.expect_response(lambda answer: answer.request.method == "PUT"):
        page.get_by_role("button", name="Save", exact=True).click()
    return site.database.read_now(lambda tx: drafts.current(tx, site.contoso.organization_id, playbook).source)


def test_an_author_puts_steps_in_between_tidies_up_compares_and_takes_steps_along(page: Page, site: Site) -> None:
    playbook = site.contoso.playbook_id
    page.goto(f"{site.url}/playbooks/{playbook}/design")
    trigger = page.get_by_role("group", name=re.compile("^Trigger"))
    expect(step(page, "facts")).to_be_visible()
    drop_between(page, "Delay", trigger, step(page, "facts"))
    expect(page.get_by_role("group", name=re.compile(r"^Step delay,.*then facts$"))).to_be_focused()
    # What a person must say yes to comes after the yes, and not after whatever they say.
    drop_between(page, "Approval", step(page, "facts"), step(page, "machine"))
    expect(page.get_by_role("group", name=re.compile(r"^Step approval,.*then machine$"))).to_be_visible()

    moved = step(page, "delay")
    before = moved.bounding_box()
    assert before is not None
    moved.hover()
    page.mouse.down()
    page.mouse.move(before["x"] + 260, before["y"] + 40, steps=4)
    page.mouse.up()
    undo, redo = page.get_by_role("button", name="Undo (Ctrl Z)"), page.get_by_role("button", name="Do again")
    text = saved(page, site, playbook)
    assert "after: approval.approved" in text
    assert "layout:" in text
    assert text.startswith("# ")
    page.get_by_role("button", name="Tidy up").click()
    assert "layout:" not in saved(page, site, playbook)
    undo.click()
    assert saved(page, site, playbook) == text
    redo.click()
    assert "layout:" not in saved(page, site, playbook)

    page.get_by_role("tab", name="Versions").click()
    expect(page.get_by_role("group", name=re.compile(r"^Step delay,.*added"))).to_be_visible()
    expect(page.get_by_role("group", name=re.compile(r"^Step machine,.*rewired"))).to_be_visible()
    expect(page.locator(".react-flow__edge.added").first).to_be_attached()
    expect(page.get_by_text("Step approval is new")).to_be_visible()
    page.get_by_role("tab", name="Canvas").click()
    expect(page.locator(".step-mark")).to_have_count(0)

    step(page, "facts").click()
    step(page, "machine").click(modifiers=["Shift"])
    page.keyboard.press("Control+c")
    page.goto(f"{site.url}/playbooks/design")
    page.get_by_label("Name").fill("Another")
    page.get_by_role("button", name=re.compile("Begin")).click()
    expect(trigger).to_be_visible()
    expect(page.get_by_role("img", name="Where everything is")).to_be_visible()
    trigger.click()
    page.keyboard.press("Control+v")
    # What stood between them was not taken along.
    expect(step(page, "facts")).to_be_visible()
    expect(step(page, "machine")).to_be_focused()


def test_an_author_calls_a_component_by_a_form_of_its_inputs_and_plays_it_all_in_the_simulator(
    page: Page, site: Site
) -> None:
    contoso = site.contoso
    site.database.run_now(lambda tx: begin_with_a_component(tx, site))
    page.goto(f"{site.url}/playbooks/{contoso.playbook_id}/design")
    expect(step(page, "facts")).to_be_visible()
    page.get_by_role("searchbox", name="Search triggers").fill("call")
    page.get_by_role("button", name="Call", exact=True).click()
    page.get_by_label("Component").select_option("Look up")
    inputs = page.get_by_role("group", name="Inputs")
    inputs.get_by_label(re.compile("^host")).fill("${trigger.alert.computerDnsName}")
    page.keyboard.press("Enter")
    inputs.get_by_label("deep").select_option("Yes")
    expect(page.get_by_role("term").filter(has_text="steps.call.owner")).to_be_visible()
    text = saved(page, site, contoso.playbook_id)
    assert 'host: "${trigger.alert.computerDnsName}"' in text
    assert "deep: true" in text

    page.get_by_role("tab", name="Test").click()
    page.get_by_label("In the simulator").check()
    page.get_by_label("On", exact=True).select_option(index=1)
    page.get_by_role("button", name="Play it in the simulator").click()
    expect(page.get_by_text("It waits for a worker.")).to_be_visible()
    worker = Trials(site.database, discover(), Stage(), owner="test")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(worker.work())).result()
    expect(page.get_by_text("Played on wks-001, a simulated host")).to_be_visible()
    expect(step(page, "facts").get_by_text("done")).to_be_visible()
    expect(step(page, "machine").locator(".step-seen")).to_have_text("error")


class Stage(Prover):
    """Plays without a process of its own, which others test: one step went well, one did not."""

    async def play(self, playing: Playing) -> Played:
        done = PlayedStep(step="facts", iteration=0, action="jmespath.query", status="succeeded", outcome="success")
        failed = PlayedStep(step="machine", iteration=0, action="defender.get_machine", status="failed", error="No.")
        return Played(status="failed", steps=(done, failed), machine="wks-001", lasted=7200)


def begin_with_a_component(tx: Transaction, site: Site) -> None:
    """Publish what is called, and throw away what another test drew."""
    organization, playbook = site.contoso.organization_id, site.contoso.playbook_id
    library.publish(tx, organization, COMPONENT, "megan", catalogue=discover())
    if drafts.find(tx, organization, playbook).revision is not None:
        drafts.discard(tx, organization, playbook, "megan")
