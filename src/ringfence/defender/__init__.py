"""Microsoft Defender for Endpoint as an async library: typed, with tokens, retries, throttling and paging inside.

    from ringfence.defender import ClientSecret, DefenderClient, MissingRole, ReplyLost, cloud, odata

    async with DefenderClient(cloud("commercial"), tenant_id, ClientSecret(client_id, secret)) as defender:
        async for alert in defender.list_alerts(filter=odata.eq("severity", "High"), expand=("evidence",)):
            try:
                action = await defender.isolate_machine(alert.machine_id, comment=f"Alert {alert.id}")
            except ReplyLost:
                ...  # it may have been accepted: look at list_machine_actions before trying again
            except MissingRole as error:
                print(error.required)

It knows nothing of the product around it. One client serves one tenant on one event loop. See `errors` for the tree of
failures, `wire` for what comes back, `odata` for filters and `clouds` for the addresses.
"""

from ringfence.defender import clouds, odata
from ringfence.defender.auth import ClientSecret, Credential
from ringfence.defender.client import DefenderClient
from ringfence.defender.clouds import CLOUDS, Cloud
from ringfence.defender.clouds import get as cloud
from ringfence.defender.errors import (
    ActiveRequestAlreadyExists,
    ApiNotProvisioned,
    AuthenticationFailed,
    BadRequest,
    ClientVersionNotSupported,
    DefenderError,
    DisabledApplication,
    ExpiredSecret,
    FeatureDisabled,
    Forbidden,
    InvalidArgument,
    InvalidInput,
    InvalidQuery,
    InvalidRequestBody,
    MalformedReply,
    MaximumBatchSizeExceeded,
    MissingRequiredParameter,
    MissingRole,
    NotFound,
    OperationDisallowed,
    OsPlatformNotSupported,
    ReplyLost,
    ServerError,
    Throttled,
    Timeout,
    TransportError,
    Unauthorized,
    UnknownApplication,
    UnknownTenant,
    Unreachable,
    WrongAddress,
    WrongCloud,
    WrongSecret,
)
from ringfence.defender.retry import RetryPolicy
from ringfence.defender.session import Call, Observer
from ringfence.defender.wire import (
    ActionStatus,
    ActionType,
    Alert,
    AlertComment,
    AlertStatus,
    Classification,
    Document,
    Evidence,
    HealthStatus,
    IpAddress,
    IsolationType,
    LoggedOnUser,
    Machine,
    MachineAction,
    OnboardingStatus,
    RelatedUser,
    Severity,
    User,
    VmMetadata,
    parse_alert,
)

__all__ = [
    "CLOUDS",
    "ActionStatus",
    "ActionType",
    "ActiveRequestAlreadyExists",
    "Alert",
    "AlertComment",
    "AlertStatus",
    "ApiNotProvisioned",
    "AuthenticationFailed",
    "BadRequest",
    "Call",
    "Classification",
    "ClientSecret",
    "ClientVersionNotSupported",
    "Cloud",
    "Credential",
    "DefenderClient",
    "DefenderError",
    "DisabledApplication",
    "Document",
    "Evidence",
    "ExpiredSecret",
    "FeatureDisabled",
    "Forbidden",
    "HealthStatus",
    "InvalidArgument",
    "InvalidInput",
    "InvalidQuery",
    "InvalidRequestBody",
    "IpAddress",
    "IsolationType",
    "LoggedOnUser",
    "Machine",
    "MachineAction",
    "MalformedReply",
    "MaximumBatchSizeExceeded",
    "MissingRequiredParameter",
    "MissingRole",
    "NotFound",
    "Observer",
    "OnboardingStatus",
    "OperationDisallowed",
    "OsPlatformNotSupported",
    "RelatedUser",
    "ReplyLost",
    "RetryPolicy",
    "ServerError",
    "Severity",
    "Throttled",
    "Timeout",
    "TransportError",
    "Unauthorized",
    "UnknownApplication",
    "UnknownTenant",
    "Unreachable",
    "User",
    "VmMetadata",
    "WrongAddress",
    "WrongCloud",
    "WrongSecret",
    "cloud",
    "clouds",
    "odata",
    "parse_alert",
]
