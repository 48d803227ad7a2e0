import json
import subprocess

from cli_world import Ringfence
from ringfence.accounts.registration import APPLICATIONS
from ringfence.defender import Api


def test_permissions_follow_from_features(ringfence: Ringfence) -> None:
    listed = ringfence.json("account", "permissions", "--feature", "hunting")
    roles = [each["permission"] for each in listed["items"]]
    assert roles == ["Alert.Read.All", "Machine.Read.All", "Machine.Isolate", "AdvancedQuery.Read.All"]
    assert "run hunting queries" in ringfence("account", "permissions", "--feature", "hunting").stdout
    assert "live_response" in ringfence.error("account", "permissions", "--feature", "fly")["advice"]


def test_script_and_manifest_are_printed_as_they_are_used(ringfence: Ringfence) -> None:
    script = ringfence("account", "script", "--name", "Tier 1", "--feature", "users").stdout
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert "NAME='Tier 1'" in script
    manifest = json.loads(ringfence("account", "manifest").stdout)
    assert manifest["requiredResourceAccess"][0]["resourceAppId"] == APPLICATIONS[Api.MDE]
    assert json.loads(ringfence.json("account", "manifest")["manifest"]) == manifest
    assert ringfence.json("account", "script", "--cloud", "dod")["script"].startswith("#!")
    government = ringfence("account", "manifest", "--cloud", "dod")
    assert json.loads(government.stdout) == manifest
    assert "Not verified for US Government DoD" in government.stderr
    assert "no cloud 'mars'" in ringfence.error("account", "script", "--cloud", "mars")["message"]


def test_a_number_of_a_refused_sign_in_is_explained(ringfence: Ringfence) -> None:
    said = ringfence("account", "explain", "aadsts7000222").stdout
    assert "the client secret has expired" in said
    assert "Source: https://learn.microsoft.com" in said
    assert ringfence.json("account", "explain", "53003")["lookup"].endswith("53003")
    for unknown in ("1", "x", "9" * 30):
        assert ringfence.error("account", "explain", unknown)["code"] == "not_found"
