"""What people do all day, each by keyboard alone: no test here moves or presses a mouse."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from accounts_samples import signed_in as a_token
from approval_samples import ask, look
from databases import Sqlite
from keyboard import Keyboard
from ringfence.accounts import records as accounts
from ringfence.accounts.proof import NEEDED_ROLES
from ringfence.services import records as services
from ringfence.storage import Database
from ringfence.storage.tables import drills
from webserver import Site, serving


@pytest.fixture(scope="module")
def site(sqlite: Sqlite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Start a server of our own: what is changed here is in nobody's way."""
    database = Database(sqlite.new_url(tmp_path_factory.mktemp("by-keyboard")), threads=4)
    with serving(database) as site:
        yield site
    database.close()


def live(page: Page) -> None:
    """Wait until the stream runs."""
    expect(page.locator("#stream-state")).to_have_text("Live")


def test_somebody_signs_in_finds_an_alert_classifies_it_and_then_changes_a_selection(
    browser: Browser, site: Site
) -> None:
    with browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce") as context:
        page = context.new_page()
        keys = Keyboard(page)
        page.goto(site.link())
        keys.push(page.get_by_role("button", name="Sign in as megan.bowen"))
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        live(page)
        keys.press("g", "a")
        expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
        live(page)
        keys.press("f")
        keys.write("ransomware behavior")
        expect(page.locator("tbody tr")).to_have_count(1)
        expect(page.get_by_label("Title, host or id")).to_be_focused()
        keys.to(page.get_by_role("link", name="Ransomware behavior detected"))
        keys.press("Enter")
        expect(page.get_by_role("heading", name="Ransomware behavior detected")).to_be_visible()
        keys.fill(page.get_by_label("Owner"), "ines@contoso.com")
        keys.fill(page.get_by_label("It turned out to be"), "True")
        keys.fill(page.get_by_label("Comment"), "Seen before")
        keys.go(page.get_by_role("button", name="Change it"))
        expect(page.get_by_role("heading", name="1 alert changed")).to_be_visible()
        alert, change, by = site.asked.changed[-1]
        assert (alert, change.assigned_to, change.comment, by) == (
            site.contoso.alert_id,
            "ines@contoso.com",
            "Seen before",
            "megan.bowen",
        )
        assert change.classification == "TruePositive"

        page.goto(f"{site.url}/alerts?q=eng-ws")
        live(page)
        keys.press("j", "x", "j", "x")
        expect(page.get_by_text("2 selected")).to_be_visible()
        bar = page.get_by_role("form", name="What to do with the selected alerts")
        keys.press("a")
        expect(bar.get_by_label("Status")).to_be_focused()
        keys.fill(bar.get_by_label("It turned out to be"), "False")
        keys.push(bar.get_by_role("button", name="Change in Defender"))
        expect(page.get_by_role("heading", name="2 alerts changed")).to_be_visible()


def test_somebody_looks_at_the_evidence_as_a_graph_and_goes_from_piece_to_piece_and_to_its_words(
    page: Page, site: Site
) -> None:
    keys = Keyboard(page)
    page.goto(f"{site.url}/alerts/{site.contoso.alert_id}")
    graph = page.get_by_role("group", name="The evidence as a graph")
    keys.to(graph.get_by_role("link", name="Host fin-ws-014.contoso.com"))
    keys.press("ArrowRight")
    expect(graph.get_by_role("link", name="Process outlook.exe")).to_be_focused()
    keys.press("ArrowRight", "ArrowRight")
    found = graph.get_by_role("link", name="Process enc.exe, Detected")
    expect(found).to_be_focused()
    expect(found).to_be_in_viewport()
    # What is drawn fits, as long as there is some room.
    assert graph.evaluate("(each) => each.scrollWidth <= each.clientWidth")
    keys.press("Enter")
    words = page.locator(".evidence .piece:focus")
    expect(words).to_contain_text("enc.exe --path C:\\Users --extension .locked")
    # By mouse the same.
    graph.get_by_role("link", name="Ip 203.0.113.47").click()
    expect(words).to_contain_text("203.0.113.47")


def test_somebody_approves_releases_a_host_and_stops_all_containing_and_lets_it_go_on(page: Page, site: Site) -> None:
    keys = Keyboard(page)
    asked = ask(site.database, site.contoso.organization_id)
    page.goto(f"{site.url}/approvals")
    keys.fill(page.get_by_label("Comment"), "Go on")
    keys.go(page.get_by_role("button", name="Approve"))
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert look(site.database, asked).state == "approved"

    page.goto(f"{site.url}/containment/{site.contoso.containment_id}")
    keys.fill(page.get_by_label("Why may the host be free again?"), "Reimaged")
    keys.go(page.get_by_role("button", name="Release the host"))
    assert site.asked.released[-1]["reason"] == "Reimaged"

    page.goto(f"{site.url}/policy")
    keys.push(page.get_by_text("Stop containing…"))
    keys.fill(page.get_by_label("Why?"), "A test")
    keys.enter()
    keys.fill(page.get_by_label("Why may hosts be contained again?"), "It was a test")
    keys.enter()
    expect(page.get_by_text("Stop containing…")).to_be_visible()

    keys.push(page.get_by_role("link", name="Organization", exact=True))
    text = page.get_by_label("YAML")
    keys.to(text)
    keys.press("Control+Home")
    page.keyboard.type("protected_tags: [Till]\n")
    keys.fill(page.get_by_label("What the change is for"), "Tills stay")
    keys.push(page.get_by_role("button", name="Show what changes"))
    expect(page.get_by_role("region", name="What changes").first).to_contain_text("Till")
    keys.go(page.get_by_role("button", name="Save as version"))
    expect(page.get_by_role("main")).to_contain_text("Tills stay")
    keys.go(page.get_by_role("link", name="Policy").last)
    keys.go(page.get_by_role("link", name="Explain for a machine"))
    keys.fill(page.get_by_label("Host", exact=True), "dc-01.contoso.com")
    keys.enter()
    expect(page.get_by_text("runs a server's operating system")).to_be_visible()


def test_somebody_begins_and_schedules_a_drill_works_on_an_incident_and_starts_a_run_again(
    page: Page, site: Site
) -> None:
    keys = Keyboard(page)
    page.goto(f"{site.url}/drills")
    keys.push(page.get_by_text("Hold drills by the clock"))
    keys.fill(page.get_by_label("When"), "0 8 * * 2")
    keys.enter()
    keys.go(page.get_by_role("button", name="Remove the schedule 0 8 * * 2"))
    expect(page.get_by_role("button", name="Remove the schedule 0 8 * * 2")).to_have_count(0)
    site.database.run_now(lambda tx: tx.execute(sa.update(drills).values(open_key=None)))
    begin = page.get_by_role("form", name="Begin a drill")
    keys.fill(begin.get_by_label("Test device"), "tst-001")
    keys.fill(begin.get_by_label("At most"), "5 min")
    keys.to(begin.get_by_role("checkbox", name="On a real device"))
    keys.press("Space")
    keys.go(begin.get_by_role("button", name="Begin"))
    expect(page.get_by_role("heading", name="Drill on tst-001.contoso.com")).to_be_visible()
    keys.go(page.get_by_role("button", name="Abort and release"))
    expect(page.get_by_text("the device is released first")).to_be_visible()

    page.goto(f"{site.url}/incidents/{site.contoso.incident_number}")
    keys.fill(page.get_by_label("Add a note"), "Called the owner")
    keys.push(page.get_by_role("button", name="Add the note"))
    expect(page.get_by_text("Called the owner").first).to_be_visible()
    keys.fill(page.get_by_label("New task"), "Take an image")
    keys.push(page.get_by_role("button", name="Add the task"))
    task = page.get_by_role("listitem").filter(has_text="Take an image")
    keys.push(task.get_by_role("button", name="Done"))
    expect(task.get_by_role("button", name="Not done after all")).to_be_visible()

    page.goto(f"{site.url}/executions")
    live(page)
    keys.press("f")
    keys.write("dc-01")
    expect(page.locator("tbody tr")).to_have_count(1)
    keys.push(page.get_by_role("link", name="Contain ransomware"))
    expect(page.get_by_role("link", name="On the canvas")).to_be_visible()
    keys.go(page.get_by_role("link", name="Run again…"))
    keys.to(page.get_by_role("radio", name="The same version"))
    keys.press("ArrowRight")
    step = page.get_by_role("checkbox", name="release containment")
    keys.to(step)
    if not step.is_checked():
        keys.press("Space")
    keys.go(page.get_by_role("button", name="Show what it would do"))
    expect(page.get_by_role("radio", name="The newest version")).to_be_checked()
    keys.push(page.get_by_role("button", name="Run it again"))
    expect(page.get_by_role("link", name="On the canvas")).to_be_visible()
    assert site.contoso.run_id not in page.url


def test_somebody_connects_an_account_makes_a_service_and_lets_people_and_programs_in(page: Page, site: Site) -> None:
    keys, organization = Keyboard(page), site.contoso.organization_id
    page.goto(f"{site.url}/accounts/new")
    keys.push(page.get_by_role("button", name="Next: register"))
    keys.push(page.get_by_role("button", name="Next: connect"))
    site.asked.microsoft.logins = [a_token([*NEEDED_ROLES]), a_token(())]
    for label, value in {
        "Account name": "fabrikam",
        "Application (client) ID": "7a1f3c52-0c5e-4b8e-9d2f-0000000000bb",
        "Directory (tenant) ID": "7a1f3c52-0c5e-4b8e-9d2f-0000000000aa",
        "Client secret": "s3cret~of-fabrikam",
    }.items():
        keys.fill(page.get_by_label(label), value)
    keys.push(page.get_by_role("button", name="Test and submit"))
    expect(page.get_by_role("heading", name="fabrikam")).to_be_visible()
    account = site.database.read_now(lambda tx: accounts.by_name(tx, organization, "fabrikam"))

    page.goto(f"{site.url}/services/new")
    keys.fill(page.get_by_label("Name", exact=True), "Night")
    keys.push(page.get_by_role("button", name="Next"))
    keys.push(page.get_by_role("button", name="Next"))
    keys.fill(page.get_by_label("Connected account"), "fabrikam")
    keys.push(page.get_by_role("button", name="Save"))
    expect(page.get_by_role("heading", name="Night")).to_be_visible()
    made = site.database.read_now(lambda tx: services.every(tx, organization))
    assert account.id in {each.account_id for each in made if each.name == "Night"}

    page.goto(f"{site.url}/people")
    keys.fill(page.get_by_label("Name", exact=True), "ines")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="The address for ines")).to_be_visible()
    page.goto(f"{site.url}/me/tokens")
    keys.fill(page.get_by_label("Name", exact=True), "bridge")
    keys.to(page.get_by_role("checkbox", name="look at alerts"))
    keys.press("Space", "Enter")
    expect(page.get_by_role("heading", name="bridge")).to_be_visible()
    page.goto(f"{site.url}/notifications/new")
    keys.fill(page.get_by_label("Name", exact=True), "Mail to the SOC")
    keys.fill(page.get_by_label("To", exact=True), "soc@contoso.com")
    keys.fill(page.get_by_label("Mail server"), "mail.contoso.com")
    keys.fill(page.get_by_label("Protection"), "TLS from")
    keys.to(page.get_by_role("checkbox").first)
    keys.press("Space")
    keys.go(page.get_by_role("button", name="Add the channel"))
    expect(page.get_by_role("heading", name="Notifications", level=1)).to_be_visible()
    expect(page.get_by_role("cell", name="Mail to the SOC soc@contoso.com")).to_be_visible()


def test_somebody_goes_anywhere_by_the_palette_and_finds_all_keys(page: Page, site: Site) -> None:
    keys = Keyboard(page)
    page.goto(site.url)
    live(page)
    found = page.get_by_role("combobox", name="Go to, or do")
    for opening, words, heading in (
        ("/", "ransomware in finance", "Ransomware in finance"),
        ("Control+k", "stop containing", "Policy"),
        ("/", "drills", "Drills"),
    ):
        keys.press(opening)
        expect(found).to_be_focused()
        keys.write(words)
        expect(page.get_by_role("listbox").get_by_role("option").first).to_be_visible()
        keys.enter()
        expect(page.get_by_role("heading", name=heading, level=1)).to_be_visible()
        live(page)
    keys.press("?")
    sheet = page.get_by_role("dialog", name="Keys")
    expect(sheet).to_be_visible()
    keys.press("Escape")
    expect(sheet).not_to_be_visible()
