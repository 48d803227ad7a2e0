"""`ringfence demo --exit --json` does the whole main job, and says so in one JSON object."""

import json
import subprocess
import sys
from pathlib import Path


def test_the_headless_demo_prints_one_object_and_keeps_the_promise(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ringfence", "demo", "--exit", "--json"],
        capture_output=True,
        text=True,
        timeout=150,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(told) == [
        "alerts_ingested",
        "runs_succeeded",
        "hosts_contained",
        "hosts_released",
        "isolate_requests",
        "wrong_hosts_touched",
        "seconds",
        "clocks",
    ]
    assert told["alerts_ingested"] >= 3
    assert told["runs_succeeded"] >= 1
    assert (told["hosts_contained"], told["hosts_released"], told["isolate_requests"]) == (1, 1, 1)
    assert told["wrong_hosts_touched"] == 0
    assert list(told["clocks"]) == [
        "created_to_ingested_ms",
        "ingested_to_decided_ms",
        "decided_to_accepted_ms",
        "accepted_to_confirmed_ms",
    ]
    assert all(value >= 0 for value in told["clocks"].values())
    assert list(tmp_path.iterdir()) == []
