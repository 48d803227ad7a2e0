"""From an empty installation to a drill that has passed, by what the pages say, against the simulator that they start."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyotp
from playwright.sync_api import Browser, expect

from ringfence.accounts.simulated import COMMAND, SimulatedTenant
from ringfence.app import App
from ringfence.defender import Limits
from ringfence.organizations import first
from ringfence.serving import serve_pages, services_of
from ringfence.settings import Settings
from ringfence.worker import WorkerThread

PASSWORD = "orbit lantern cactus 47 velvet"


@contextmanager
def installed(folder: Path) -> Iterator[tuple[App, str]]:
    """Serve an empty installation that looks often, against a simulator that hurries; gives where its pages are."""
    settings = Settings(data=folder, port=0, poll_interval=0.7, confirm_interval=0.3, poll_overlap=60.0)
    app = App.open(settings, limits=Limits(times=1000))
    hurried = SimulatedTenant(folder / "simulated", (*COMMAND, "--speed", "20"))
    worker, ready = WorkerThread(app), threading.Event()
    ends: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []
    origins: list[str] = []

    def listens(origin: str) -> None:
        origins.append(origin)
        ready.set()

    async def main() -> None:
        stop = asyncio.Event()
        ends.append((asyncio.get_running_loop(), stop))
        await serve_pages(app, listens, stop=stop, services=replace(services_of(app), simulated=hurried))

    def run() -> None:
        try:
            asyncio.run(main())
        finally:
            ready.set()

    thread = threading.Thread(target=run, name="pages")
    worker.start()
    thread.start()
    ready.wait()
    try:
        yield app, origins[0]
    finally:
        loop, stop = ends[0]
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        worker.stop()
        app.close()


def test_an_empty_installation_leads_to_a_contained_simulated_host(browser: Browser, tmp_path: Path) -> None:
    with installed(tmp_path) as (app, origin), browser.new_context(reduced_motion="reduce") as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        wrong: list[str] = []
        page.on("console", lambda message: wrong.append(message.text) if message.type != "log" else None)
        page.goto(f"{origin}/sign-in/first?token={app.database.run_now(first.offer)}")
        page.get_by_label("Name").fill("megan.bowen")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password again").fill(PASSWORD)
        page.get_by_role("button", name="Begin").click()
        secret = page.locator(".key [data-copy]").get_attribute("data-copy") or ""
        page.get_by_label("Enter the code").fill(pyotp.TOTP(secret).now())
        page.get_by_role("button", name="Confirm").click()
        page.get_by_role("link", name="I have kept them").click()

        steps = page.get_by_role("region", name="From here to a contained host")
        steps.get_by_role("button", name="Simulated tenant").click()
        expect(steps.get_by_role("listitem").first).not_to_contain_text("Entra")
        steps.get_by_role("link", name="Choose a playbook").click()
        page.get_by_role("link", name="Contain malware", exact=True).click()
        page.get_by_role("button", name="Make a draft").click()
        page.get_by_role("button", name="Save and publish").click()
        page.get_by_role("link", name="Drill", exact=True).click()

        hosts = page.locator("#free-devices option")
        expect(hosts).not_to_have_count(0)
        page.get_by_role("combobox", name="Device").fill(hosts.first.get_attribute("value") or "")
        page.get_by_role("button", name="Allow drills").click()
        page.get_by_role("button", name="Begin", exact=True).click()
        expect(page.get_by_role("heading", name="Drill on")).to_be_visible()
        expect(page.locator(".head .badge")).to_have_text("Passed")
        expect(page.get_by_role("row", name="Confirmed Done")).to_contain_text("Defender confirmed it.")
        page.get_by_role("link", name="Overview").click()
        expect(page.get_by_role("region", name="Still to do")).to_be_visible()
        assert wrong == []
