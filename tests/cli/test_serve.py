import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from cli_world import Ringfence


@contextmanager
def _running(ringfence: Ringfence, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "ringfence", "--data", str(ringfence.data), *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_it_says_where_it_is_and_how_to_sign_in_and_a_signal_ends_it(ringfence: Ringfence) -> None:
    with _running(ringfence, "serve", "--port", "0") as process:
        where = _line(process).strip().removeprefix("Ringfence is at ")
        first = _line(process)
        assert first.startswith("Nobody can sign in yet.")
        assert f" {where}/sign-in/first?token=" in first
        with httpx.Client(trust_env=False) as client:
            assert client.get(first.rpartition(" ")[2].strip()).status_code == 200
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest) == (0, ""), errors


def test_where_there_are_people_it_says_how_they_get_a_link(ringfence: Ringfence) -> None:
    ringfence("sign-in-link", "--user", "adele")
    with _running(ringfence, "serve", "--port", "0", "--no-worker") as process:
        where = _line(process).strip().removeprefix("Ringfence is at ").partition(",")[0]
        command = shlex.split(_line(process).removeprefix("To sign in, run on this machine: "))
        assert command[0] == "ringfence"
        assert command[1:3] == ["--data", str(ringfence.data)]
        address = ringfence(*command[3:]).stdout.strip()
        assert address.startswith(f"{where}/sign-in/link?token=")
        with httpx.Client(trust_env=False) as client:
            assert client.get(address).status_code == 200


def test_without_a_worker_it_says_how_to_start_one_and_the_worker_says_when_it_is_ready(ringfence: Ringfence) -> None:
    with _running(ringfence, "serve", "--port", "0", "--no-worker") as pages:
        assert "start one with `ringfence worker`" in _line(pages)
        with _running(ringfence, "worker") as worker:
            assert _line(worker) == "The worker is ready. Ctrl-C ends it.\n"
            worker.send_signal(signal.SIGINT)
            _, errors = worker.communicate(timeout=30)
            assert worker.returncode == 0, errors


def test_a_port_that_is_taken_is_said_before_anything_starts(ringfence: Ringfence) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = ringfence("serve", "--port", str(taken.getsockname()[1]), status=1)
    assert "Address already in use" in done.stderr
    assert "--port" in done.stderr


def test_a_host_that_is_not_this_machine_is_an_error(ringfence: Ringfence) -> None:
    done = ringfence("serve", "--host", "192.0.2.1", "--port", "0", status=1)
    assert "Nobody can listen on 192.0.2.1:0" in done.stderr


def test_the_options_of_serve_are_settings(ringfence: Ringfence, tmp_path: Path) -> None:
    options = ("--host", "192.0.2.1", "--port", "81", "--data", str(tmp_path / "other"))
    ringfence("serve", *options, status=1)
    (settings,) = ringfence.opened
    assert (settings.host, settings.port, settings.data) == ("192.0.2.1", 81, tmp_path / "other")
