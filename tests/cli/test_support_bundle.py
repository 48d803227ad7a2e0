"""The whole command line shows no secret, and the bundle neither."""

import zipfile
from pathlib import Path

from canaries import found
from cli_world import Ringfence

SECRET = 'c@nary+"~&<key>/9'


def test_no_command_that_looks_and_no_file_that_leaves_shows_a_secret(ringfence: Ringfence, tmp_path: Path) -> None:
    ringfence.secret = SECRET
    ringfence("http-account", "add", "rep", "https://api.contoso.com/v1", "--kind", "bearer")
    webhook = ringfence.json("webhook", "add", "siem")
    secrets = {
        "http": SECRET,
        "webhook": str(webhook["secret"]),
        "master key": (ringfence.data / "master.key").read_text().strip(),
        "audit key": (ringfence.data / "audit.key").read_text().splitlines()[1]
        if (ringfence.data / "audit.key").exists()
        else "no-audit-key-yet",
    }
    file, copy, log = tmp_path / "bundle.zip", tmp_path / "backup", tmp_path / "audit.jsonl"
    assert "look at it before you send it" in ringfence("support-bundle", str(file)).stderr
    assert file.stat().st_mode & 0o777 == 0o600
    said = []
    for command in (
        ("http-account", "list"),
        ("webhook", "list"),
        ("keys", "show"),
        ("keys", "check"),
        ("audit", "list"),
        ("audit", "key"),
        ("audit", "export", "--output", str(log)),
        ("db", "backup", str(copy)),
    ):
        done = ringfence("--log-level", "debug", *command, "--json")
        said.append(done.stdout + done.stderr)
    said.append(ringfence("--log-level", "debug", "doctor", "--offline", status=1).output)
    said += [(copy / "manifest.json").read_text(), log.read_text()]
    with zipfile.ZipFile(file) as bundle:
        said += [bundle.read(name).decode() for name in bundle.namelist()]
    assert found(" ".join(said), secrets) == set()
    raw = (copy / "ringfence.sqlite3").read_bytes().decode("latin-1")
    assert found(raw, {name: each.encode().decode("latin-1") for name, each in secrets.items()}) == set()


def test_a_file_that_is_there_is_left_alone(ringfence: Ringfence, tmp_path: Path) -> None:
    (tmp_path / "letter").touch()
    assert "cannot be written" in ringfence.error("support-bundle", str(tmp_path / "letter"))["message"]
