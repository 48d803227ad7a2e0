"""The operations of Microsoft Graph, and the form of its replies."""

from ringfence.simulator import operations
from ringfence.simulator.operations import Call, Registry, Reply
from ringfence.simulator.record import Document, compact
from ringfence.simulator.tokens import GRAPH_RESOURCES

REGISTRY = Registry(("/v1.0",))
operation = REGISTRY.operation

AUDIENCES = GRAPH_RESOURCES
"""Audiences whose tokens Graph takes; others get 401."""

CONTEXT = "https://graph.microsoft.com/v1.0/$metadata"
CONTENT_TYPE = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8"


NEWER_MEMBERS = "include-unknown-enum-members"


def wants_newer_members(call: Call) -> bool:
    """Tell whether the client asked, by its Prefer header, for enum members that came later."""
    return NEWER_MEMBERS in call.headers.get("prefer", "").lower()


def reply(call: Call, context: str, document: Document, status: int = 200) -> Reply:
    """Reply with a document under its context; the caller's client-request-id comes back."""
    headers = {"OData-Version": "4.0", "request-id": operations.error_target(call.entry.sequence)}
    client = call.headers.get("client-request-id")
    if client and client.isprintable():
        headers["client-request-id"] = client[:200]
    if wants_newer_members(call):
        headers["Preference-Applied"] = NEWER_MEMBERS
    return Reply(status, compact({"@odata.context": f"{CONTEXT}#{context}", **document}), CONTENT_TYPE, headers)
