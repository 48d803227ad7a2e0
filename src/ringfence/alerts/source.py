"""From which API an alert was read, and the one form in which everybody else sees it. Pure.

The form is that of Defender for Endpoint: triggers, expressions, pages and containment read it, whatever the source. What is
stored is the document as it came.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from ringfence.alerts import graph
from ringfence.alerts.versions import fingerprint

_SAID: Final = ("title", "severity", "status", "classification", "assignedTo", "machineId")


class Source(StrEnum):
    """The APIs that alerts are read from."""

    DEFENDER = "defender"
    GRAPH = "graph"


def common_form(source: Source | str, document: Any) -> Any:
    """Return a document of a source in the form that all sources share; what is not an object stays what it is.

    A document of Graph is written anew, one of Defender is returned as it is.
    """
    if source == Source.GRAPH and isinstance(document, Mapping):
        return graph.as_defender(document)
    return document


def mark(document: Mapping[str, Any]) -> str:
    """Return 32 hex digits that documents in the common form share if they say the same of the alert, whatever their source.

    What a source writes in a way of its own is left out: times, evidence, incident, descriptions.
    """
    comments = document.get("comments")
    items = comments if isinstance(comments, list) else []
    texts = [each.get("comment") if isinstance(each, Mapping) else each for each in items]
    said = [document.get(name) or None for name in _SAID]
    return fingerprint([*said, graph.determination(document.get("determination")), texts])
