"""How to register the application in Entra: the steps, a script for `az`, and what its manifest says of permissions. Pure.

The ids of roles in ROLE_IDS are those of the commercial directory, which GCC shares. Whether the government's own directories
have the same ones, no page says: `unverified` says so beside the manifest, and the script takes what the tenant itself lists.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ringfence.accounts.permissions import API_NAMES, Need
from ringfence.defender import CLOUDS, Api
from ringfence.errors import Invalid

APPLICATIONS: Final[Mapping[Api, str]] = {
    Api.MDE: "fc780465-2017-40d4-a0c5-307022471b92",
    Api.XDR: "8ee8fdad-f234-4243-8f3b-15c294843740",
    Api.GRAPH: "00000003-0000-0000-c000-000000000000",
}
"""The application id of each API, the same in every tenant."""
USER_READ: Final = "e1fe6dd8-ba31-4d61-89e7-88639da4683d"
"""The delegated permission User.Read of Microsoft Graph, which the portal gives every new registration."""

ROLE_IDS: Final[Mapping[tuple[Api, str], str]] = {
    (Api.MDE, "AdvancedQuery.Read.All"): "93489bf5-0fbc-4f2d-b901-33f2fe08ff05",
    (Api.MDE, "Alert.Read.All"): "71fe6b80-7034-4028-9ed8-0f316df9c3ff",
    (Api.MDE, "Alert.ReadWrite.All"): "0f7000ec-157b-497f-b70e-ef0b0584f140",
    (Api.MDE, "File.Read.All"): "8788f1a9-beca-4e26-ba58-10513f3b896f",
    (Api.MDE, "Ip.Read.All"): "47bf842d-354b-49ef-b741-3a6dd815bc13",
    (Api.MDE, "Library.Manage"): "41d209c7-2511-4fc9-b899-8008a3976f09",
    (Api.MDE, "Machine.CollectForensics"): "15405ab2-2103-4a3c-ad80-e829841cedcc",
    (Api.MDE, "Machine.Isolate"): "7e4e1300-e1b9-4102-88ba-f0cb6e6d5974",
    (Api.MDE, "Machine.LiveResponse"): "1629b959-c0af-42a1-92f0-f6162060bdf1",
    (Api.MDE, "Machine.Offboard"): "594435bf-36dd-4548-83bd-1bdafe157d7a",
    (Api.MDE, "Machine.Read.All"): "ea8291d3-4b9a-44b5-bc3a-6cea3026dc79",
    (Api.MDE, "Machine.ReadWrite.All"): "aa027352-232b-4ed4-b963-a705fc4d6d2c",
    (Api.MDE, "Machine.RestrictExecution"): "96b6b35d-074d-4e2d-b167-8d68d9269648",
    (Api.MDE, "Machine.Scan"): "a86d9824-b2b6-45f8-b042-16bc4922ed4e",
    (Api.MDE, "Machine.StopAndQuarantine"): "96e72b5e-7e68-4171-aad1-3937599e4751",
    (Api.MDE, "Score.Read.All"): "02b005dd-f804-43b4-8fc7-078460413f74",
    (Api.MDE, "SecurityRecommendation.Read.All"): "6443965c-7dd2-4cfd-b38f-bb7772bee163",
    (Api.MDE, "Software.Read.All"): "37f71c98-d198-41ae-964d-2c49aab74926",
    (Api.MDE, "Ti.ReadWrite"): "a8bc2240-f96a-46a1-bad5-6a960b7327a1",
    (Api.MDE, "Ti.ReadWrite.All"): "fc511a58-3adf-4d71-af24-00f13e35e479",
    (Api.MDE, "URL.Read.All"): "721af526-ffa8-42d7-9b84-1a56244dd99d",
    (Api.MDE, "User.Read.All"): "a833834a-4cf1-4732-8acf-bbcfa13fb610",
    (Api.MDE, "Vulnerability.Read.All"): "41269fc5-d04d-4bfd-bce7-43a51cea049a",
    (Api.XDR, "AdvancedHunting.Read.All"): "7734e8e5-8dde-42fc-b5ae-6eafea078693",
    (Api.XDR, "Incident.Read.All"): "a9790345-4595-42e4-971a-ccdc79f19b7c",
    (Api.XDR, "Incident.ReadWrite.All"): "8d90f441-09cf-4fdc-ab45-e874fa3a28e8",
    (Api.GRAPH, "SecurityAlert.Read.All"): "472e4a4d-bb4a-4026-98d1-0b0d74cb74a5",
    (Api.GRAPH, "SecurityAlert.ReadWrite.All"): "ed4fca05-be46-441f-9803-1873825f8fdb",
    (Api.GRAPH, "SecurityIncident.Read.All"): "45cc0394-e837-488b-a098-1918f48d186c",
    (Api.GRAPH, "SecurityIncident.ReadWrite.All"): "34bf0e97-1971-4929-b999-9e2442d941d7",
    (Api.GRAPH, "ThreatHunting.Read.All"): "dd98c7f5-2d42-42d3-a0e4-633161547251",
}
"""The id of each role that an operation of Ringfence asks for, in the commercial directory (as tenants list them)."""
_SPELLED: Final = {"URL.Read.All": "Url.Read.All"}
"""How Entra spells roles that Microsoft's pages spell otherwise."""

_GOVERNMENT: Final = frozenset({"gcc_high", "dod"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of registering the application by hand."""

    title: str
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Address:
    """An address that Ringfence uses in a cloud; not `documented` where only other tools' connectors were seen to use it."""

    title: str
    address: str
    documented: bool


def addresses(cloud: str) -> tuple[Address, ...]:
    """Return what Ringfence calls in a cloud, for whoever opens the firewall, and whether a page of Microsoft names it."""
    known = CLOUDS[cloud]
    government = cloud != "commercial"
    return (
        Address("Sign-in", known.authority, True),
        Address("Defender for Endpoint", known.mde_host, True),
        Address("Audience of its tokens", known.mde_scope.removesuffix("/.default"), not government),
        Address("Defender XDR", known.xdr_host, not government),
        Address("Microsoft Graph", known.graph_host, True),
    )


def unverified(cloud: str) -> tuple[str, ...]:
    """Return, one sentence each, what of a cloud's registration nobody could compare with a page of Microsoft."""
    said = [
        f"{each.title}: {each.address} is what connectors of others use; no page of Microsoft names it."
        for each in addresses(cloud)
        if not each.documented
    ]
    if cloud in _GOVERNMENT:
        said.append(
            "The ids of the APIs and of their permissions are those of the commercial directory; no page lists this cloud's. "
            "Run the script with the word manifest: it changes nothing and prints the manifest with the tenant's own ids."
        )
    return tuple(said)


def portal(cloud: str) -> str:
    """Return the address of the Entra admin center of a cloud."""
    return "https://entra.microsoft.us" if cloud in _GOVERNMENT else "https://entra.microsoft.com"


def steps(cloud: str, needed: Sequence[Need]) -> tuple[Step, ...]:
    """Return how to register the application by hand, each step with why it is so."""
    apis = [API_NAMES[api] for api in Api if any(need.api is api for need in needed)]
    return (
        Step(
            "Register the application",
            (
                f"Open {portal(cloud)} ▸ App registrations ▸ New registration; an Application Developer may do this.",
                "Supported account types: Accounts in this organizational directory only (single tenant). Nobody else's "
                "tenant has a use for it.",
                "Redirect URI: leave it empty. Ringfence signs in by itself, in no browser.",
            ),
        ),
        Step(
            "Copy the two ids",
            (
                "Overview shows the Application (client) ID and the Directory (tenant) ID: both are asked for in the next step.",
            ),
        ),
        Step(
            "Add a secret or a certificate",
            (
                "Certificates & secrets. A certificate is better: its key never leaves Ringfence, which can make it for you; "
                "upload the public part under Certificates.",
                "For a secret: New client secret, and copy the column Value at once, not the Secret ID. It is shown only once.",
            ),
        ),
        Step(
            "Add the permissions",
            (
                f"API permissions ▸ Add a permission ▸ APIs my organization uses ▸ {', then '.join(apis)} ▸ "
                "Application permissions: tick those of the list on this page, and no others.",
                "Remove User.Read of Microsoft Graph, which every registration begins with: it is a delegated permission, and "
                "nobody signs in here.",
            ),
        ),
        Step(
            "Grant admin consent",
            (
                "API permissions ▸ Grant admin consent; it takes a Privileged Role Administrator or a Global Administrator. "
                "Each line must say Granted.",
                "Tokens that were issued before do not have the permissions: the first one after consent does.",
            ),
        ),
    )


def script(cloud: str, name: str, needed: Sequence[Need], *, certificate: str = "") -> str:
    """Return a bash script that registers the application with the Azure CLI and prints what Ringfence asks for.

    `certificate` names a file with the public part of a certificate; without it, a client secret of one year is made. With
    the argument `manifest` the script registers nothing, and prints the manifest with the ids that the tenant lists.
    """
    if not name.strip() or not name.isprintable() or len(name) > 100:
        raise Invalid("This cannot be an application's name.", advice="Use 1 to 100 characters that can be seen.")
    azure = "AzureUSGovernment" if cloud in _GOVERNMENT else "AzureCloud"
    lines = [
        "#!/usr/bin/env bash",
        "# Registers an application for Ringfence: single tenant, no redirect URI, the permissions below and no others.",
        "# Needs the Azure CLI; sign in as somebody who may register applications and grant admin consent:",
        f"#   az cloud set --name {azure} && az login --allow-no-subscriptions",
        "#   bash this-file            registers it",
        "#   bash this-file manifest   registers nothing: prints the manifest, with the ids that this tenant lists",
        *(f"# Not verified: {_comment(each)}" for each in unverified(cloud)),
        "set -euo pipefail",
        "",
        f"NAME={shlex.quote(name.strip())}",
        f"CLOUD={azure}",
        "MODE=${1:-register}",
        '[ "$(az cloud show --query name --output tsv)" = "$CLOUD" ] || {',
        '  echo "The Azure CLI is set to another cloud: az cloud set --name $CLOUD && az login --allow-no-subscriptions" >&2',
        "  exit 1",
        "}",
        'if [ "$MODE" != manifest ]; then',
        "  TENANT_ID=$(az account show --query tenantId --output tsv)",
        '  APP_ID=$(az ad app create --display-name "$NAME" --sign-in-audience AzureADMyOrg --query appId --output tsv)',
        '  az ad sp show --id "$APP_ID" --output none 2>/dev/null || az ad sp create --id "$APP_ID" --output none',
        "fi",
        "",
        "ACCESS= LAST=",
        "grant() {  # the API's application id, the permission's name",
        "  local role",
        '  role=$(az ad sp show --id "$1" --output tsv \\',
        "    --query \"appRoles[?value=='$2' && contains(allowedMemberTypes, 'Application')].id | [0]\")",
        '  [ -n "$role" ] || { echo "This tenant does not offer the permission $2." >&2; exit 1; }',
        '  if [ "$MODE" = manifest ]; then',
        '    if [ "$LAST" = "$1" ]; then ACCESS+=", "; else',
        '      [ -z "$LAST" ] || ACCESS+="]}, "',
        '      ACCESS+="{\\"resourceAppId\\": \\"$1\\", \\"resourceAccess\\": ["',
        "    fi",
        '    ACCESS+="{\\"id\\": \\"$role\\", \\"type\\": \\"Role\\"}" LAST=$1',
        "    return",
        "  fi",
        '  az ad app permission add --id "$APP_ID" --api "$1" --api-permissions "$role=Role" --output none',
        "}",
        "",
    ]
    for api in Api:
        mine = [need for need in needed if need.api is api]
        if mine:
            lines.append(f"# {API_NAMES[api]}")
        for need in mine:
            command = f"grant {APPLICATIONS[api]} {_SPELLED.get(need.role, need.role)}"
            lines.append(f"{command}  # {_comment(need.reason)}")
    lines += [
        "",
        'if [ "$MODE" = manifest ]; then',
        '  echo "{\\"signInAudience\\": \\"AzureADMyOrg\\", \\"requiredResourceAccess\\": [$ACCESS]}]}"',
        "  exit 0",
        "fi",
        "",
        "# Nobody signs in here: the delegated User.Read of Microsoft Graph is of no use.",
        f'az ad app permission delete --id "$APP_ID" --api {APPLICATIONS[Api.GRAPH]} --api-permissions {USER_READ} \\',
        "  --output none 2>/dev/null || true",
        "",
        "# A new application is known everywhere only after a while.",
        "for attempt in 1 2 3 4 5 6; do",
        '  az ad app permission admin-consent --id "$APP_ID" && break',
        '  [ "$attempt" -lt 6 ] || { echo "Admin consent failed: ask an administrator." >&2; exit 1; }',
        "  sleep 10",
        "done",
        "",
        'echo "Application (client) id: $APP_ID"',
        'echo "Directory (tenant) id:   $TENANT_ID"',
    ]
    if certificate:
        lines += [
            f'az ad app credential reset --id "$APP_ID" --append --cert {shlex.quote("@" + certificate)} --output none',
            'echo "The certificate was uploaded."',
        ]
    else:
        lines += [
            'SECRET=$(az ad app credential reset --id "$APP_ID" --append --display-name Ringfence --years 1 \\',
            "  --query password --output tsv)",
            'echo "Client secret (its value): $SECRET"',
        ]
    return "\n".join(lines) + "\n"


def manifest(needed: Sequence[Need]) -> str:
    """Return the part of the application's manifest that asks for the permissions, as JSON; see `unverified` for its ids."""
    wanted = [
        {
            "resourceAppId": APPLICATIONS[api],
            "resourceAccess": [{"id": ROLE_IDS[api, need.role], "type": "Role"} for need in needed if need.api is api],
        }
        for api in Api
        if any(need.api is api for need in needed)
    ]
    return json.dumps({"signInAudience": "AzureADMyOrg", "requiredResourceAccess": wanted}, indent=2) + "\n"


def _comment(text: str) -> str:
    # Names of playbooks are anybody's: a line feed in one would begin a command.
    return "".join(character if character.isprintable() else " " for character in text)[:200]
