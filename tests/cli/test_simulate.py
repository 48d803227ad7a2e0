import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

from ringfence.cli.simulate import simulate

_PROGRAM = "import typer; from ringfence.cli.simulate import simulate; typer.run(simulate)"


@contextmanager
def _running(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-c", _PROGRAM, "--port", "0", "--json", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


def _sign_in(where: dict[str, Any]) -> dict[str, str]:
    tenant = where["tenants"][0]
    form = {
        "grant_type": "client_credentials",
        "client_id": tenant["client_id"],
        "client_secret": tenant["client_secret"],
        "scope": "https://api.securitycenter.microsoft.com/.default",
    }
    reply = httpx.post(f"{where['login']}/{tenant['domain']}/oauth2/v2.0/token", data=form, trust_env=False)
    return {"Authorization": f"Bearer {reply.json()['access_token']}"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_line_of_json_tells_where_it_listens_and_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with _running("--scenario", "ransomware") as (process, where):
        assert {tenant["name"] for tenant in where["tenants"]} == {"contoso", "fabrikam"}
        assert where["control"] == f"{where['login']}/_sim"
        reply = httpx.get(f"{where['api']}/api/alerts", headers=_sign_in(where), trust_env=False)
        assert reply.status_code == 200
        process.send_signal(number)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_one_that_a_program_started_ends_with_its_input() -> None:
    with _running("--scenario", "quiet", "--until-input-ends") as (process, _):
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=20) == 0


def test_a_killed_simulator_continues_from_its_state_file(tmp_path: Path) -> None:
    state = str(tmp_path / "state.db")
    with _running("--scenario", "quiet", "--state", state) as (process, where):
        headers = _sign_in(where)
        machine = httpx.get(f"{where['api']}/api/machines/wks-001", headers=headers, trust_env=False).json()
        url = f"{where['api']}/api/machines/{machine['id']}/isolate"
        made = httpx.post(url, headers=headers, json={"Comment": "x"}, trust_env=False).json()
        process.kill()
        process.wait()
    with _running("--state", state) as (process, where):
        url = f"{where['api']}/api/machineactions/{made['id']}"
        again = httpx.get(url, headers=headers, trust_env=False).json()
        assert again["machineId"] == machine["id"]
        summary = httpx.get(f"{where['control']}/summary", trust_env=False).json()
        assert summary["tenants"][0]["isolate_requests"] == 1


def test_with_tls_the_line_names_the_proxy_and_the_authority_too(tmp_path: Path) -> None:
    options = ("--tls", "--tls-port", "0", "--proxy-port", "0", "--ca-dir", str(tmp_path), "--scenario", "quiet")
    with _running(*options) as (process, where):
        assert where["ca"] == str(tmp_path / "ca.pem")
        context = ssl.create_default_context(cafile=where["ca"])
        with httpx.Client(proxy=where["proxy"], verify=context, trust_env=False) as client:
            tenant = where["tenants"][0]["tenant_id"]
            url = f"https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration"
            assert client.get(url).json()["token_endpoint"].startswith("https://login.microsoftonline.com/")
        assert httpx.get(f"{where['tls']}/api/alerts", verify=context, trust_env=False).status_code == 401
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, rest, errors) == (0, "", "")


def test_an_authority_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ca.key").write_text("no key")
    (tmp_path / "ca.pem").write_text("no certificate")
    code, output = _invoke("--tls", "--ca-dir", str(tmp_path), "--port", "0", "--scenario", "quiet")
    assert code == 2
    assert "Remove ca.pem and ca.key" in output


def _invoke(*arguments: str) -> tuple[int, str]:
    app = typer.Typer()
    app.command()(simulate)
    result = CliRunner().invoke(app, list(arguments))
    return result.exit_code, result.output


def test_an_unknown_scenario_lists_the_shipped_ones() -> None:
    code, output = _invoke("--scenario", "nothing")
    assert code == 2
    assert "quiet, ransomware" in output


def test_a_port_that_is_taken_says_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, output = _invoke("--port", str(taken.getsockname()[1]), "--scenario", "quiet")
    assert code == 1
    assert "Choose another --port" in output


def test_a_file_of_another_kind_is_no_state(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are my notes, and they are long enough to be no database " * 20)
    code, output = _invoke("--state", str(path))
    assert code == 2
    assert "state file" in output
