"""Microsoft Defender for Endpoint, noun by noun: each module adds its actions to this connector.

Permissions are the least application roles of the operations that an action calls; the wider ReadWrite roles include them
(source: endpoints.yaml of the fact book). Isolation and release are in the connector `containment`, behind policy.

A list that may be long gives `items` and `more`; one that Microsoft gives as a whole and that is short is a plain list.
"""

from ringfence.actions import Connector, Release

connector = Connector(
    "defender",
    title="Microsoft Defender for Endpoint",
    version="1.1.0",
    description="Alerts, machines, response actions, indicators, files, users and vulnerabilities of the connected tenant.",
    category="Endpoint",
    releases=(
        Release(
            "1.1.0",
            "2026-11-22",
            "All of Defender for Endpoint, noun by noun: files, users, indicators in lots, investigations, vulnerabilities.",
        ),
        Release(
            "1.0.0",
            "2026-11-22",
            "First release: alerts, machines, machine actions and hunting.",
        ),
    ),
)
