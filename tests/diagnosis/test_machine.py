from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from ringfence import clock
from ringfence.diagnosis import machine
from ringfence.diagnosis.model import Finding, Level
from ringfence.settings import Settings
from ringfence.storage import backup
from run_world import Time


def having(tmp_path: Path, **given: Any) -> Settings:
    return Settings.model_validate({"data": tmp_path, **given})


def levels(findings: Any) -> dict[str, Level]:
    found: list[Finding] = list(findings)
    assert all(each.advice for each in found if each.level is not Level.OK)
    return {each.check: each.level for each in found}


def test_a_data_folder_that_others_can_read_is_told_of(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "audit.key").touch(mode=0o600)
    assert levels(machine.files(having(tmp_path))) == {"data folder": Level.OK, "audit key": Level.OK}
    tmp_path.chmod(0o755)
    (tmp_path / "audit.key").chmod(0o644)
    assert levels(machine.files(having(tmp_path))) == {"data folder": Level.WARNING, "audit key": Level.FAILURE}
    assert levels(machine.files(having(tmp_path / "none"))) == {"data folder": Level.FAILURE}


@pytest.mark.parametrize(("free", "level"), [(10**6, Level.FAILURE), (5 * 10**8, Level.WARNING), (10**10, Level.OK)])
def test_a_disk_that_fills_up_is_told_of(tmp_path: Path, free: int, level: Level) -> None:
    assert levels(machine.disk(having(tmp_path), free=free)) == {"disk": level}
    assert list(machine.disk(having(tmp_path)))


def test_a_backup_has_to_be_there_and_new(tmp_path: Path) -> None:
    time = Time().start()
    assert levels(machine.backups(having(tmp_path))) == {"backup": Level.WARNING}
    backup.note(tmp_path, "tape 7")
    assert levels(machine.backups(having(tmp_path))) == {"backup": Level.OK}
    time.pass_by(3 * 86_400)
    [found] = machine.backups(having(tmp_path, database_url="postgresql://x/y"))
    assert (found.level, "pg_dump" in found.advice) == (Level.WARNING, True)


def test_pages_beyond_this_machine_need_tls_and_an_address(tmp_path: Path) -> None:
    assert levels(machine.address(having(tmp_path))) == {"address": Level.OK}
    assert levels(machine.address(having(tmp_path, host="0.0.0.0"))) == {"address": Level.WARNING, "TLS": Level.FAILURE}
    behind = {"host": "0.0.0.0", "public_url": "https://soc.contoso.com"}
    assert levels(machine.address(having(tmp_path, **behind))) == {"address": Level.OK, "proxy": Level.WARNING}
    trusted = behind | {"trusted_proxies": "10.0.0.5"}
    assert levels(machine.address(having(tmp_path, **trusted))) == {"address": Level.OK}


@pytest.mark.parametrize(("days", "level"), [(-1, Level.FAILURE), (5, Level.WARNING), (90, Level.OK)])
def test_a_certificate_that_ends_is_told_of(tmp_path: Path, days: int, level: Level) -> None:
    path = tmp_path / "chain.pem"
    path.write_bytes(certificate(clock.now() + timedelta(days=days)))
    assert levels(machine.address(having(tmp_path, tls_certificate=path)))["TLS"] is level
    path.write_text("nothing")
    assert levels(machine.address(having(tmp_path, tls_certificate=path)))["TLS"] is Level.FAILURE


def certificate(until: datetime) -> bytes:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, until - timedelta(days=400), until)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_master_key_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    assert levels(machine.key_source(having(tmp_path))) == {"master key": Level.OK}
    (tmp_path / "master.key").write_text("nothing")
    [found] = machine.key_source(having(tmp_path))
    assert (found.level, "nothing" in found.said) == (Level.FAILURE, False)
