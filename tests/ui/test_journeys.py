"""The pages in a real browser: sign in, look, filter, see things happen, act."""

import re
from datetime import timedelta

import sqlalchemy as sa
from playwright.sync_api import Browser, Page, Route, expect

from ringfence import clock
from ringfence.storage import Transaction
from ringfence.storage.tables import containments, runs, step_runs
from showcase import add_alert
from webserver import Site


def open_live(page: Page, address: str) -> None:
    """Open a page and wait until its stream runs."""
    page.goto(address)
    live(page)


def live(page: Page) -> None:
    """Wait until a page's stream runs: its scripts hear keys by then."""
    expect(page.locator("#stream-state")).to_have_text("Live")


def test_a_link_signs_in_once_and_the_address_asked_for_is_shown(browser: Browser, site: Site) -> None:
    link = site.link()
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{site.url}/alerts?severity=High")
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(link)
        page.get_by_role("button", name="Sign in as megan.bowen").click()
        expect(page.get_by_role("heading", name="Overview")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
        page.goto(link)
        expect(page.get_by_role("alert")).to_contain_text("used already")


def test_filters_keep_the_caret_and_can_be_shared(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/alerts")
    search = page.get_by_label("Title, host or id")
    search.press_sequentially("power")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(search).to_be_focused()
    search.press_sequentially("shell")
    expect(search).to_have_value("powershell")
    page.wait_for_url("**/alerts?q=powershell")
    page.get_by_text("Medium", exact=True).first.click()
    page.wait_for_url("**/alerts?q=powershell&severity=Medium")
    expect(page).to_have_title(re.compile(r"^\(1\) Alerts"))
    page.reload()
    expect(page.get_by_role("link", name="Suspicious PowerShell download")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Title, host or id")).to_have_value("powershell")
    page.get_by_role("link", name="Clear filters").click()
    expect(page.get_by_role("link", name="Anomalous token lookup")).to_be_visible()


def test_a_new_alert_appears_by_itself_and_only_where_the_filter_lets_it(page: Page, site: Site) -> None:
    open_live(page, f"{site.url}/alerts?severity=High&q=quokka")
    expect(page.get_by_text("No alert fits these filters")).to_be_visible()
    add_alert(site, "A quokka that is low", severity="Low")
    add_alert(site, "A quokka that is high")
    expect(page.get_by_role("link", name="A quokka that is high")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("#announce")).to_have_text("1 new row.")


def test_what_happens_between_the_page_and_its_stream_is_not_lost(page: Page, site: Site) -> None:
    # The stream is held back until the change is there, as a slow network would.
    title = "A wombat in the gap"

    def late(route: object) -> None:
        add_alert(site, title)
        route.continue_()  # type: ignore[attr-defined]

    page.route("**/events?**", late, times=1)
    page.goto(f"{site.url}/alerts?q=wombat")
    expect(page.get_by_role("link", name=title)).to_be_visible()


def test_the_stream_opens_although_its_script_comes_last(page: Page, site: Site) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/hx-sse*", hold, times=1)
    page.goto(f"{site.url}/alerts", wait_until="commit")
    while not held or not page.evaluate("typeof htmx !== 'undefined'"):
        page.wait_for_timeout(10)
    page.evaluate("new Promise((passed) => setTimeout(() => setTimeout(passed)))")
    held[0].continue_()
    expect(page.locator("#stream-state")).to_have_text("Live")


def test_a_run_is_followed_live_and_opened_steps_stay_open(page: Page, site: Site) -> None:
    run_id = site.contoso.live_run_id
    open_live(page, f"{site.url}/executions/{run_id}")
    step = page.locator("details.step").filter(has_text="machine").first
    step.locator("summary").first.click()
    expect(step.get_by_text("Output")).to_be_visible()

    def finish(tx: Transaction) -> None:
        own = (step_runs.c.run_id == run_id) & step_runs.c.status.in_(["waiting", "pending"])
        done = {"status": "succeeded", "started_at": clock.now(), "finished_at": clock.now(), "outcome": "success"}
        tx.execute(sa.update(step_runs).where(own).values(done))
        tx.execute(sa.update(runs).where(runs.c.id == run_id).values(status="succeeded", finished_at=clock.now()))
        tx.changed(site.contoso.organization_id, "run", run_id, "succeeded")

    site.database.run_now(finish)
    expect(page).to_have_title(re.compile("^Succeeded"))
    expect(page.get_by_text("Waiting", exact=True)).to_have_count(0)
    expect(step.get_by_text("Output")).to_be_visible()


def test_the_board_follows_a_host_to_contained_and_never_says_so_too_early(page: Page, site: Site) -> None:
    pending = site.contoso.pending_id
    open_live(page, f"{site.url}/containment?show=live")
    row = page.locator(f"#containment-{pending}")
    expect(row).to_contain_text("Pending")
    expect(row).to_contain_text("Nothing yet")
    expect(row.get_by_text("Contained", exact=True)).to_have_count(0)

    def confirm(tx: Transaction) -> None:
        now = clock.now()
        values = {"state": "contained", "confirmed_at": now, "auto_release_at": now + timedelta(hours=24), "detail": ""}
        tx.execute(sa.update(containments).where(containments.c.id == pending).values(values))
        tx.changed(site.contoso.organization_id, "containment", pending, "contained")

    site.database.run_now(confirm)
    expect(row.get_by_text("Contained", exact=True)).to_be_visible()
    expect(row).to_contain_text("in 23 h 59 min")


def test_a_reason_being_typed_survives_a_live_update_and_releases_the_host(page: Page, site: Site) -> None:
    contained = site.contoso.containment_id
    open_live(page, f"{site.url}/containment/{contained}")
    reason = page.get_by_label("Why may the host be free again?")
    reason.press_sequentially("Reimaged")

    def note(tx: Transaction) -> None:
        values = {"detail": "Heard from a moment ago."}
        tx.execute(sa.update(containments).where(containments.c.id == contained).values(values))
        tx.changed(site.contoso.organization_id, "containment", contained, "detail")

    site.database.run_now(note)
    expect(page.get_by_text("Heard from a moment ago.")).to_be_visible()
    expect(reason).to_have_value("Reimaged")
    expect(reason).to_be_focused()
    page.get_by_role("button", name="Release the host").click()
    page.wait_for_url(f"**/containment/{contained}")
    assert site.asked.released[-1] == {"containment_id": contained, "reason": "Reimaged", "by": "megan.bowen"}


def test_a_host_is_contained_from_its_alert_by_keyboard_alone(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/alerts/{site.contoso.alert_id}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Contain the host":
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Contain a host")).to_be_visible()
    page.get_by_label("Reason").focus()
    page.keyboard.type("Seen in the drill")
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Ask for containment":
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/containment/[0-9a-f-]{36}$"))
    assert site.asked.contained[-1]["account"] == "contoso"
    assert site.asked.contained[-1]["auto_release"] == 86400.0
    assert site.asked.contained[-1]["reason"] == "Seen in the drill"


def test_the_theme_is_switched_without_a_new_page_and_kept(page: Page, site: Site) -> None:
    page.goto(f"{site.url}/playbooks")
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.body).colorScheme") == "dark"
    with page.expect_response("**/theme"):
        page.get_by_role("button", name="As the system says").click()


def test_signing_out_ends_the_streams_of_the_other_tab(browser: Browser, site: Site) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(site.link())
        page.get_by_role("button", name="Sign in as").click()
        open_live(page, f"{site.url}/alerts")
        other = context.new_page()
        other.goto(f"{site.url}/accounts")
        other.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_pages_can_be_read_and_filtered_without_javascript(browser: Browser, site: Site) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(site.link())
        page.get_by_role("button", name="Sign in as").click()
        page.get_by_role("link", name="Alerts", exact=True).click()
        page.get_by_label("Title, host or id").fill("powershell")
        page.get_by_role("button", name="Filter", exact=True).click()
        expect(page.locator("tbody tr")).to_have_count(1)


def test_text_of_an_attacker_is_shown_as_text(page: Page, site: Site) -> None:
    title = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>{{7*7}}"
    own_id = add_alert(site, title, machine_name="<b hx-get='/sign-out'>host</b>", category="\u202egnp.exe")
    page.goto(f"{site.url}/alerts/{own_id}")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    page.goto(f"{site.url}/alerts?q=onerror")
    expect(page.get_by_role("link", name=title)).to_be_visible()
    assert "owned" not in page.title()


def test_by_keys_alone_anything_is_found_and_opened(page: Page, site: Site) -> None:
    open_live(page, f"{site.url}/incidents")
    page.keyboard.press("g")
    page.keyboard.press("a")
    expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
    live(page)
    page.keyboard.press("j")
    expect(page.locator("tr[data-row] a").first).to_be_focused()
    page.keyboard.press("Control+k")
    look = page.get_by_role("combobox", name="Go to, or do")
    look.press_sequentially("ransomware behavior")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ransomware behavior detected")).to_be_visible()
    live(page)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.get_by_role("checkbox", name="Use keys without Ctrl").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).not_to_be_visible()
    page.evaluate("localStorage.clear()")


def test_alerts_are_selected_by_keys_and_stay_selected_when_one_comes(page: Page, site: Site) -> None:
    open_live(page, f"{site.url}/alerts?q=mkt-ws")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("1 selected")).to_be_visible()
    add_alert(site, "One more", machine_name="mkt-ws-050.contoso.com")
    expect(page.get_by_role("link", name="One more")).to_be_visible()
    expect(page.get_by_text("1 selected")).to_be_visible()
    page.get_by_role("checkbox", name="Select all alerts").check()
    bar = page.get_by_role("form", name="What to do with the selected alerts")
    bar.get_by_label("It turned out to be").select_option(label="False positive")
    bar.get_by_role("button", name="Change in Defender").click()
    expect(page.get_by_role("heading", name="3 alerts changed")).to_be_visible()
