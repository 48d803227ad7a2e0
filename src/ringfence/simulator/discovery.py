"""The documents by which a client finds the token endpoint and the keys of a tenant."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from ringfence.simulator.operations import JSON_TYPE, Reply
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tenant import Tenant

if TYPE_CHECKING:
    from ringfence.simulator.world import Simulator

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")


def host_of(headers: Mapping[str, str]) -> str:
    """Return the host that was called; a Host header that is none counts as localhost."""
    host = headers.get("host", "")
    return host if _HOST.fullmatch(host) else "localhost"


def openid_configuration(tenant: Tenant, host: str, *, v2: bool) -> Reply:
    """Describe a tenant. Addresses are https on the host that was asked, as MSAL demands, even if it came by http."""
    origin = f"https://{host if _HOST.fullmatch(host) else 'localhost'}"
    base = f"{origin}/{tenant.id}"
    oauth = f"{base}/oauth2/v2.0" if v2 else f"{base}/oauth2"
    document: Document = {
        "token_endpoint": f"{oauth}/token",
        "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
        "jwks_uri": f"{base}/discovery/v2.0/keys" if v2 else f"{origin}/common/discovery/keys",
        "response_modes_supported": ["query", "fragment", "form_post"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "issuer": f"{base}/v2.0" if v2 else f"https://sts.windows.net/{tenant.id}/",
        "authorization_endpoint": f"{oauth}/authorize",
        "device_authorization_endpoint": f"{oauth}/devicecode",
        "tenant_region_scope": "NA",
        "cloud_instance_name": "microsoftonline.com",
        "cloud_graph_host_name": "graph.windows.net",
        "msgraph_host": "graph.microsoft.com",
    }
    return Reply(200, compact(document), JSON_TYPE)


def keys(simulator: "Simulator") -> Reply:
    """List the public signing keys."""
    return Reply(200, compact({"keys": [simulator.key.jwk()]}), JSON_TYPE)


def instance(query: str) -> Reply:
    """Say where the discovery document of an authority is, as MSAL asks for hosts that it does not know."""
    endpoint = parse_qs(query).get("authorization_endpoint", [""])[0]
    parts = urlsplit(endpoint) if _is_address(endpoint) else None
    tenant = parts.path.strip("/").split("/")[0] if parts else ""
    if parts is None or not tenant or not _HOST.fullmatch(parts.netloc):
        body = {"error": "invalid_instance", "error_description": "AADSTS50049: Unknown or invalid instance."}
        return Reply(400, compact(body), JSON_TYPE)
    document: Document = {
        "tenant_discovery_endpoint": f"https://{parts.netloc}/{tenant}/v2.0/.well-known/openid-configuration",
        "api-version": "1.1",
        "metadata": [
            {"preferred_network": parts.netloc, "preferred_cache": parts.netloc, "aliases": [parts.netloc]},
        ],
    }
    return Reply(200, compact(document), JSON_TYPE)


def _is_address(text: str) -> bool:
    try:
        return urlsplit(text).scheme in ("https", "http")
    except ValueError:
        return False
