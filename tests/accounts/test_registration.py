import json
import os
import subprocess
from pathlib import Path

import pytest

from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import FEATURES, Need, Wish, needs
from ringfence.accounts.registration import APPLICATIONS, ROLE_IDS, addresses, manifest, script, steps, unverified
from ringfence.defender import CLOUDS, OPERATIONS, Api
from ringfence.errors import Invalid

EVERYTHING = tuple(Need(api, role, ("contain",)) for api, role in ROLE_IDS)


def test_every_role_that_an_operation_asks_for_has_one_id() -> None:
    assert {(each.api, role) for each in OPERATIONS.values() for role in each.permissions} == ROLE_IDS.keys()
    assert len(set(ROLE_IDS.values())) == len(ROLE_IDS)


def test_the_steps_say_how_and_why_and_name_only_the_apis_that_are_needed() -> None:
    told = " ".join(text for step in steps("commercial", needs(USUAL)) for text in step.sentences)
    for words in ("single tenant", "Redirect URI: leave it empty", "not the Secret ID", "User.Read", "admin consent"):
        assert words in told, words
    assert "Microsoft Threat Protection" not in told
    more = " ".join(text for step in steps("dod", needs(FEATURES)) for text in step.sentences)
    assert "WindowsDefenderATP, then Microsoft Threat Protection, then Microsoft Graph" in more
    assert "https://entra.microsoft.us" in more


def test_the_manifest_asks_for_exactly_the_needed_roles() -> None:
    asked = json.loads(manifest(needs(("graph_alerts",))))
    assert asked["signInAudience"] == "AzureADMyOrg"
    by_api = {
        each["resourceAppId"]: {one["id"] for one in each["resourceAccess"]} for each in asked["requiredResourceAccess"]
    }
    assert by_api == {
        APPLICATIONS[Api.MDE]: {
            ROLE_IDS[Api.MDE, role] for role in ("Alert.Read.All", "Machine.Read.All", "Machine.Isolate")
        },
        APPLICATIONS[Api.GRAPH]: {ROLE_IDS[Api.GRAPH, "SecurityAlert.Read.All"]},
    }


def test_each_cloud_says_what_it_calls_and_what_of_it_nobody_verified() -> None:
    told = {name: {each.title: each for each in addresses(name)} for name in CLOUDS}
    assert told["gcc_high"]["Microsoft Graph"].address == "https://graph.microsoft.us"
    assert told["dod"]["Microsoft Graph"].address == "https://dod-graph.microsoft.us"
    assert told["gcc"]["Sign-in"].address == told["commercial"]["Sign-in"].address
    for name in ("gcc_high", "dod"):
        assert told[name]["Defender for Endpoint"].address == "https://api-gov.securitycenter.microsoft.us"
        assert not told[name]["Audience of its tokens"].documented
        assert "no page lists this cloud's" in " ".join(unverified(name))
        assert f"# Not verified: {unverified(name)[0]}" in script(name, "Ringfence", needs(USUAL))
    assert unverified("commercial") == ()
    assert len(unverified("gcc")) == 2


_AZ = """#!/usr/bin/env bash
case "$*" in
  "cloud show"*) echo AzureUSGovernment ;;
  "ad sp show"*) grep -o "value=='[^']*" <<< "$*" | sed "s/.*'/id-of-/" ;;
  *) echo "called: $*" >&2; exit 9 ;;
esac
"""


def test_the_script_prints_a_manifest_with_the_tenants_own_ids_and_stops_in_another_cloud(tmp_path: Path) -> None:
    az = tmp_path / "az"
    az.write_text(_AZ)
    az.chmod(0o700)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(cloud: str) -> subprocess.CompletedProcess[str]:
        text = script(cloud, "Ringfence", needs(("graph_alerts",)))
        return subprocess.run(
            ["bash", "-s", "manifest"], input=text, text=True, capture_output=True, env=environment, check=False
        )

    printed = run("dod")
    assert (printed.returncode, printed.stderr) == (0, "")
    asked = json.loads(printed.stdout)
    assert [each["resourceAppId"] for each in asked["requiredResourceAccess"]] == [
        APPLICATIONS[Api.MDE],
        APPLICATIONS[Api.GRAPH],
    ]
    assert [one["id"] for one in asked["requiredResourceAccess"][1]["resourceAccess"]] == [
        "id-of-SecurityAlert.Read.All"
    ]
    elsewhere = run("commercial")
    assert elsewhere.returncode == 1
    assert "az cloud set --name AzureCloud" in elsewhere.stderr


def test_the_script_is_bash_that_no_name_can_break_out_of() -> None:
    wishes = (Wish("1", "Scan\nrm -rf /", ("Machine.Scan",)),)
    text = script("dod", "Ringfence'; touch /nowhere #", needs(USUAL, wishes), certificate="my cert.pem")
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)
    assert not any(line.startswith("rm") for line in text.splitlines())
    assert "az cloud set --name AzureUSGovernment" in text
    assert "--cert '@my cert.pem'" in text
    assert "--sign-in-audience AzureADMyOrg" in text
    for wrong in ("", "a\nb", "x" * 101):
        with pytest.raises(Invalid):
            script("commercial", wrong, needs(USUAL))


def test_the_script_asks_for_every_role_as_entra_spells_it_and_removes_what_the_portal_adds() -> None:
    text = script("commercial", "Ringfence", EVERYTHING)
    for need in EVERYTHING:
        spelled = need.role.replace("URL.", "Url.")
        assert f"grant {APPLICATIONS[need.api]} {spelled}  #" in text
    assert "permission delete" in text
    assert "credential reset" in text
