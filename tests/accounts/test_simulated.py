"""The simulated tenant as a process; tests/ui/test_first_run.py starts the real one."""

import json
import sys
from pathlib import Path

import pytest

from accounts_samples import a_stored_account, an_organization
from ringfence.accounts.simulated import NAME, SimulatedTenant, connected, is_connected
from ringfence.errors import Unavailable
from ringfence.storage import Database

SAID = {
    "login": "http://127.0.0.1:8911",
    "tenants": [{"tenant_id": "tenant-1", "client_id": "client-1", "client_secret": "s3cret~"}],
}
# Writes down with what it was started, says where it listens, and ends with its input.
PROGRAM = f"""
import sys
with open(sys.argv[sys.argv.index("--state") + 1], "a") as notes:
    print(*sys.argv[1:3], file=notes)
print({json.dumps(json.dumps(SAID))}, flush=True)
sys.stdin.read()
"""


async def test_it_is_started_once_and_after_its_end_again_on_the_same_port(tmp_path: Path) -> None:
    tenant = SimulatedTenant(tmp_path / "kept", (sys.executable, "-ISc", PROGRAM))
    assert tenant.origin is None
    new = await tenant.start()
    assert (new.name, new.tenant_id, new.secret, new.login_url) == (NAME, "tenant-1", "s3cret~", SAID["login"])
    assert await tenant.start() == new
    await tenant.stop()
    await tenant.stop()
    again = SimulatedTenant(tmp_path / "kept", (sys.executable, "-ISc", PROGRAM))
    assert again.origin == SAID["login"]
    await again.start()
    await again.stop()
    assert (tmp_path / "kept" / "state.db").read_text().splitlines() == ["--port 0", "--port 8911"]


async def test_one_that_does_not_say_where_it_listens_is_ended_and_said(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("nonsense")
    silent = "import sys; sys.stdin.read()"
    for program, patience in (("print('no')", 60.0), (silent, 0.05)):
        tenant = SimulatedTenant(tmp_path, (sys.executable, "-ISc", program), patience=patience)
        with pytest.raises(Unavailable, match="does not start"):
            await tenant.start()


async def test_an_organization_that_has_it_is_known_by_its_address(embedded: Database, tmp_path: Path) -> None:
    contoso, fabrikam = an_organization(embedded), an_organization(embedded, "Fabrikam")
    tenant = SimulatedTenant(tmp_path, (sys.executable, "-ISc", PROGRAM))
    new = await tenant.start()
    await tenant.stop()
    assert tenant.origin is not None
    origin = tenant.origin
    assert not embedded.read_now(lambda tx: is_connected(tx, origin))
    made = a_stored_account(embedded, contoso, login_url=new.login_url, api_url=new.login_url, tenant_id=new.tenant_id)
    assert embedded.read_now(lambda tx: is_connected(tx, origin))
    assert embedded.read_now(lambda tx: connected(tx, contoso, new)) == made.id
    assert embedded.read_now(lambda tx: connected(tx, fabrikam, new)) is None
