import io
import json
import zipfile
from pathlib import Path

import pytest
from pydantic import SecretStr

import sealed_samples
from canaries import canary, found
from ringfence.diagnosis import bundle
from ringfence.diagnosis.model import Report, warning
from ringfence.security.crypto import KEY_FILE, Vault
from ringfence.security.sealed import SEALED
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.storage.tables import channels


def opened(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return {Path(name).name: file.read(name).decode() for name in file.namelist()}


def test_it_holds_what_helpers_need_and_no_secret_even_where_one_was_written_down(
    embedded: Database, tmp_path: Path
) -> None:
    vault = Vault(tmp_path, embedded)
    secrets = {each.where: canary(str(number)) for number, each in enumerate(SEALED)}
    own = embedded.run_now(lambda tx: sealed_samples.organization(tx, "contoso"))
    for each in SEALED:
        text = json.dumps({"password": secrets[each.where]})
        embedded.run_now(lambda tx, each=each, text=text: sealed_samples.put(tx, vault, own, each, text))  # type: ignore[misc]
    secrets |= {
        "database": "p@ss-of-the-database",
        "token": canary("token"),
        "master": (tmp_path / KEY_FILE).read_text(),
    }
    leaked = secrets["channels.sealed"]
    embedded.run_now(lambda tx: sealed_samples.filled(tx, channels, organization_id=own, error=f"refused {leaked}"))
    settings = Settings(
        data=tmp_path,
        database_url="postgresql://adele:p%40ss-of-the-database@db.contoso.com:5432/ringfence",
        metrics_token=SecretStr(secrets["token"]),
        master_key_command="helper --token abc",
    )
    report = Report((warning("disk", "So so.", f"Look at {secrets['token']}."),))
    files = opened(bundle.make(settings, embedded, vault, report))
    assert set(files) == {"manifest.json", "settings.json", "health.json", "schema.json", "errors.json"}
    assert found(" ".join(files.values()), secrets) == set()
    told = json.loads(files["settings.json"])
    assert told["database_url"] == "postgresql://db.contoso.com:5432/…"
    assert (told["metrics_token"], told["master_key_command"], told["port"]) == ("(set)", "(set)", 8080)
    assert set(told) == set(Settings.model_fields)
    assert json.loads(files["errors.json"])["channels"]
    assert json.loads(files["schema.json"])["rows"]["organizations"] == 1
    assert "refused [hidden]" in files["errors.json"]


@pytest.mark.parametrize("address", ["https://[broken", "https://x:port/"])
def test_an_address_that_is_none_is_not_told(address: str, tmp_path: Path) -> None:
    assert bundle.settings_told(Settings(data=tmp_path, public_url=address))["public_url"] == "(set)"


def test_each_bundle_has_a_name_of_its_own() -> None:
    assert bundle.name_of(Path("x")).name.startswith("ringfence-support-")
