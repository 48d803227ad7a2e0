"""The story is read back from the rows."""

from pathlib import Path

from rich.console import Console

from journey import ended, journey, names
from ringfence.demo.stage import Stage
from ringfence.demo.story import Story
from ringfence.storage import changes
from ringfence.worker import WorkerThread


async def test_the_story_tells_alert_playbook_containment_write_back_and_release_once(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        host = names(trip, 1)[0]
        await trip.alert(host, title="[bold]Ransomware[/bold] in the file system")
        trip.start_worker()
        await trip.until(ended(1))
        organization = trip.app.organization()
        tenant_id = next(iter(trip.simulator.simulator.tenants))
        setting = Stage(trip.app, organization, trip.simulator, WorkerThread(trip.app), tenant_id)
        console = Console(width=140, record=True, file=(tmp_path / "screen").open("w"))
        told = Story(setting, console, lines=50)
        batch = trip.app.database.read_now(lambda tx: changes.after(tx, 0))
        lines = [line.plain for line in told.take(batch)]
        console.print(told.page())
        console.file.close()
    text = "\n".join(lines)
    for expected in (
        f"High · {host} · [bold]Ransomware[/bold] in the file system",
        f"Contain ransomware starts for {host}",
        "Defender confirmed the isolation",
        f"Ringfence: {host} is contained",
        "Defender confirmed the release",
        f"{host}: succeeded",
    ):
        assert text.count(expected) == 1, (expected, text)
    order = [text.index(word) for word in ("alert ", "playbook ", "pending ", "contained ", "released ")]
    assert order == sorted(order)
    screen = (tmp_path / "screen").read_text()
    assert host in screen
    assert "● ── ● ── ● ── ●" in screen
