"""Every page in both themes: no failure of axe at WCAG AA, no console error, no violation of the security policy."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from accessibility import failures
from approval_samples import ask
from contoso import rule_everywhere
from response_samples import a_response
from ringfence.actions.catalogue import discover
from ringfence.notifications import links
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.responses.kinds import Kind
from ringfence.services import records as services
from ringfence.storage.tables import users
from webserver import VAULT, Site

_PAGES = {
    "overview": "/",
    "alerts": "/alerts",
    "no alerts": "/alerts?q=nothing+like+it",
    "alert": "/alerts/{alert_id}",
    "incidents": "/incidents?show=all",
    "incident": "/incidents/{incident_number}",
    "closed incident": "/incidents/1",
    "executions": "/executions?status=failed",
    "execution": "/executions/{live_run_id}",
    "execution again": "/executions/{run_id}/rerun?step=release",
    "time saved": "/time-saved",
    "board": "/containment",
    "containment": "/containment/{containment_id}",
    "pending": "/containment/{pending_id}",
    "new containment": "/containment/new",
    "start": "/start?alert={alert_id}",
    "start with a form": "/start?alert={alert_id}&playbook={playbook_id}",
    "playbooks": "/playbooks",
    "playbook": "/playbooks/{playbook_id}",
    "draft of a playbook": "/playbooks/{playbook_id}/draft",
    "trying a playbook": "/playbooks/{playbook_id}/try",
    "version of a playbook": "/playbooks/{playbook_id}/versions/1.3",
    "import of CACAO": "/playbooks/cacao",
    "playbook as CACAO": "/playbooks/{playbook_id}/cacao",
    "policy": "/policy",
    "layer of policy": "/policy/layers/organization",
    "policy explained": "/policy/explain?machine=dc-01.contoso.com",
    "drills": "/drills",
    "drill": "/drills/{drill_id}",
    "live drill": "/drills/drill-live",
    "services": "/services",
    "new service": "/services/new",
    "apps": "/apps",
    "app": "/apps/containment",
    "rules of notification": "/notifications/rules",
    "new rule of notification": "/notifications/rules/new",
    "service": "/services/{service_id}",
    "responses": "/responses",
    "response": "/responses/{response_id}",
    "new response": "/responses/new?kind=offboard",
    "accounts": "/accounts",
    "new account": "/accounts/new",
    "new account, registering": "/accounts/new?step=register&cloud=dod",
    "new account, connecting": "/accounts/new?step=connect",
    "approvals": "/approvals",
    "notifications": "/notifications",
    "new channel": "/notifications/new",
    "starters": "/starters",
    "starter": "/starters/enrich-and-comment",
    "tables": "/tables",
    "all organizations": "/organizations/board",
    "services by HTTP": "/outbound",
    "webhooks": "/webhooks",
    "providers of identities": "/identity-providers",
    "my account": "/me",
    "tokens": "/me/tokens",
    "audit": "/audit",
    "audit checked": "/audit/verify",
}


@pytest.fixture(scope="module")
def axe() -> Axe:
    return Axe()


@pytest.mark.parametrize("name", _PAGES)
def test_a_page_has_no_accessibility_failure_in_either_theme(page: Page, site: Site, axe: Axe, name: str) -> None:
    organization_id = site.contoso.organization_id
    address = _PAGES[name].format(
        service_id=site.database.read_now(lambda tx: services.every(tx, organization_id))[0].id,
        response_id=a_response(site.database, site.contoso, Kind.RESTRICT) if "response" in name else "",
        incident_number=site.contoso.incident_number,
        alert_id=site.contoso.alert_id,
        live_run_id=site.contoso.live_run_id,
        run_id=site.contoso.run_id,
        containment_id=site.contoso.containment_id,
        pending_id=site.contoso.pending_id,
        playbook_id=site.contoso.playbook_id,
        drill_id=site.contoso.drill_id,
    )
    page.goto(site.url + address)
    for details in page.locator("details").all():
        details.evaluate("element => { element.open = true }")
    assert failures(page, axe) == []


@pytest.mark.parametrize("address", ["/installation", "/keys"])
def test_a_page_of_system_administrators_has_no_accessibility_failure_in_either_theme(
    page: Page, site: Site, axe: Axe, address: str
) -> None:
    site.database.run_now(lambda tx: rule_everywhere(tx, site.contoso))
    try:
        page.goto(site.url + address)
        assert failures(page, axe) == []
    finally:
        mine = users.c.id == site.contoso.user_id
        site.database.run_now(lambda tx: tx.execute(sa.update(users).where(mine).values(system_administrator=False)))


def test_what_a_playbook_would_do_has_no_accessibility_failure_in_either_theme(
    page: Page, site: Site, axe: Axe
) -> None:
    page.goto(f"{site.url}/playbooks/{site.contoso.playbook_id}/try?alert={site.contoso.alert_id}")
    page.get_by_role("button", name="Dry run").click()
    page.get_by_text("Policy allows it: Because.").wait_for()
    assert failures(page, axe) == []
    page.get_by_label("Days").fill("366")
    page.get_by_role("button", name="Backtest").click()
    page.get_by_text("It waits for a worker.").wait_for()
    worker = Trials(site.database, discover(), Prover(), owner="test")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(lambda: asyncio.run(worker.work())).result()
    page.reload()
    page.get_by_text("would have started a run").wait_for()
    assert failures(page, axe) == []


@pytest.mark.parametrize("address", ["/sign-in", "/sign-in/link?token=none", "/sign-in/forgotten"])
def test_the_sign_in_page_has_no_accessibility_failure_in_either_theme(
    browser: Browser, site: Site, axe: Axe, address: str
) -> None:
    page = browser.new_page()
    page.goto(site.url + address)
    assert failures(page, axe) == []
    page.close()


def test_the_page_that_a_link_opens_has_no_accessibility_failure_in_either_theme(
    browser: Browser, site: Site, axe: Axe
) -> None:
    asked = ask(site.database, site.contoso.organization_id)
    yes, _ = site.database.run_now(lambda tx: links.make(tx, VAULT, asked, "ines"))
    page = browser.new_page()
    page.goto(f"{site.url}/answer?token={yes}")
    page.get_by_role("button", name="Approve").wait_for()
    assert failures(page, axe) == []
    page.close()
