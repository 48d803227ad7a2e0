"""The lists that have filters and columns, as data. A list whose page takes another filter, or has another column, says so here.

A filter is what the address of a list says after the question mark. `normal` brings it into the one form that all its spellings
have, so that it can be kept and compared.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final
from urllib.parse import parse_qsl, urlencode

from ringfence.errors import Invalid, NotFound
from ringfence.security.rbac import Permission

LONGEST: Final = 2_000
_MOST_FIELDS: Final = 200


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a list.

    `heads` are those of the CSV that it stands for. What is `fixed` is always shown, what is not `usual` only where somebody
    chose it, and what is `roomy` is left out of narrow windows unless somebody did.
    """

    key: str
    title: str
    heads: tuple[str, ...] = ()
    fixed: bool = False
    usual: bool = True
    roomy: bool = False
    end: bool = False


@dataclass(frozen=True, slots=True)
class List:
    """One list: its address, who may look at it, the fields of its filter, what these are where nothing is said, its columns."""

    name: str
    address: str
    title: str
    icon: str
    permission: Permission
    fields: tuple[str, ...]
    usual: Mapping[str, str] = field(default_factory=dict)
    columns: tuple[Column, ...] = ()

    def normal(self, query: str) -> str:
        """Return what of a query is a filter of this list, in the one form that it is kept in; Invalid if it is too long."""
        try:
            pairs = parse_qsl(query, max_num_fields=_MOST_FIELDS)
        except ValueError:
            raise self._too_long() from None
        said = {(name, value.strip()) for name, value in pairs}
        kept = [
            (name, value)
            for name in self.fields
            for _, value in sorted(pair for pair in said if pair[0] == name)
            if value and value != self.usual.get(name)
        ]
        text = urlencode(kept)
        if len(text) > LONGEST:
            raise self._too_long()
        return text

    def unknown(self, query: str) -> list[str]:
        """Return the names in a query that are no fields of this list's filter."""
        try:
            names = {name for name, _ in parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_FIELDS)}
        except ValueError:
            raise self._too_long() from None
        return sorted(names.difference(self.fields))

    def chosen(self, keys: Iterable[str]) -> tuple[Column, ...]:
        """Return the columns that are shown where `keys` were chosen, in their order; those always shown first, if not named."""
        known = {each.key: each for each in self.columns}
        named = [known[key] for key in dict.fromkeys(keys) if key in known]
        return (*(each for each in self.columns if each.fixed and each not in named), *named)

    @property
    def usual_columns(self) -> tuple[Column, ...]:
        """The columns that are shown where nobody chose."""
        return tuple(each for each in self.columns if each.fixed or each.usual)

    def _too_long(self) -> Invalid:
        return Invalid("This filter is too long to be kept.", advice=f"Keep it under {LONGEST:,} characters.")


_C = Column
LISTS: Final[Mapping[str, List]] = {
    each.name: each
    for each in (
        List(
            "alerts",
            "/alerts",
            "Alerts",
            "bell",
            Permission.ALERT_READ,
            ("severity", "status", "category", "q"),
            columns=(
                _C("severity", "Severity", ("severity",)),
                _C("alert", "Alert", ("alert_id", "title", "id"), fixed=True),
                _C("host", "Host", ("machine_name", "machine_id")),
                _C("category", "Category", ("category",)),
                _C("status", "Status", ("status",)),
                _C("owner", "Owner", ("assigned_to",), usual=False),
                _C("account", "Account", ("account",), roomy=True),
                _C("defender_incident", "Incident in Defender", ("incident_id",), usual=False),
                _C("happened", "Happened", ("event_at",), usual=False),
                _C("created", "Created", ("created_at",), usual=False),
                _C("updated", "Updated", ("updated_at",), usual=False),
                _C("seen", "Seen", ("ingested_at",), end=True),
            ),
        ),
        List(
            "incidents",
            "/incidents",
            "Incidents",
            "shield-alert",
            Permission.INCIDENT_READ,
            ("show", "severity", "owner", "q"),
            {"show": "unresolved"},
            (
                _C("severity", "Severity", ("severity",)),
                _C("number", "Number", ("number",), end=True),
                _C("incident", "Incident", ("title", "reason"), fixed=True),
                _C("status", "Status", ("status", "resolution")),
                _C("owner", "Owner", ("owner",)),
                _C("alerts", "Alerts", ("alerts",), end=True),
                _C("isolated", "Hosts isolated"),
                _C("tasks", "Tasks", ("tasks", "undone"), roomy=True),
                _C("by", "Begun by", ("created_by",), usual=False),
                _C("updated", "Updated", ("updated_at",), usual=False),
                _C("resolved", "Resolved", ("resolved_at",), usual=False),
                _C("age", "Age", ("created_at",), end=True),
            ),
        ),
        List(
            "containments",
            "/containment",
            "Containments",
            "shield-check",
            Permission.CONTAINMENT_READ,
            ("show", "q"),
            {"show": "all"},
            (
                _C("host", "Host", ("host", "machine_id", "id"), fixed=True),
                _C("state", "State", ("state",)),
                _C("wanted", "Wanted", ("desired",)),
                _C("observed", "In Defender", ("observed",)),
                _C("reason", "Reason", ("reason", "detail")),
                _C("by", "Asked for by", ("requested_by",), roomy=True),
                _C("account", "Account", ("account",), usual=False),
                _C("type", "Isolation", ("isolation_type",), usual=False),
                _C("age", "Age", ("requested_at",)),
                _C("confirmed", "Confirmed", ("accepted_at", "confirmed_at"), usual=False),
                _C("released", "Released", ("release_requested_at", "released_at"), usual=False),
                _C("timer", "Auto-release", ("auto_release_at",), end=True),
            ),
        ),
        # Of these two the columns are chosen apart from those of the containments; their filter is that of the whole board.
        List(
            "isolations",
            "/containment",
            "Isolations by others",
            "users",
            Permission.CONTAINMENT_READ,
            (),
            columns=(
                _C("host", "Host", ("host", "machine_id"), fixed=True),
                _C("state", "In Defender", ("state", "drift")),
                _C("owner", "Owner", ("by", "source")),
                _C("reason", "Reason", ("comment",)),
                _C("account", "Account", ("account",), usual=False),
                _C("since", "Since", ("since",)),
                _C("heard", "Last heard of", ("seen_at",), roomy=True, end=True),
            ),
        ),
        List(
            "orphans",
            "/containment",
            "Hosts that nobody comes back to",
            "clock",
            Permission.CONTAINMENT_READ,
            (),
            columns=(
                _C("host", "Host", ("host", "machine_id"), fixed=True),
                _C("state", "In Defender", ("state", "drift")),
                _C("since", "Isolated", ("since",)),
                _C("ask", "Whom to ask", ("by", "source")),
                _C("why", "Why it is here", ("comment",)),
                _C("account", "Account", ("account",), usual=False),
                _C("incidents", "Incident", end=True),
            ),
        ),
        List(
            "responses",
            "/responses",
            "Responses",
            "zap",
            Permission.RESPONSE_READ,
            ("show", "kind", "q"),
            {"show": "all"},
            (
                _C("kind", "What", ("kind", "account", "id"), fixed=True),
                _C("about", "Host or values", ("about", "machine_id", "what")),
                _C("state", "State", ("state",)),
                _C("reason", "Reason", ("reason", "detail")),
                _C("by", "Asked for by", ("requested_by",), roomy=True),
                _C("age", "Age", ("requested_at",)),
                _C("done", "Done", ("accepted_at", "done_at"), usual=False),
                _C("undone", "Taken back", ("undone_at",), usual=False),
                _C("ends", "Ends", ("ends_at",), end=True),
            ),
        ),
        List(
            "executions",
            "/executions",
            "Executions",
            "play",
            Permission.RUN_READ,
            ("status", "trigger", "playbook", "version", "machine", "since", "until", "q"),
            columns=(
                _C("state", "State", ("status",)),
                _C("playbook", "Playbook", ("playbook", "version", "error", "id"), fixed=True),
                _C("because", "Because of", ("trigger", "alert")),
                _C("host", "Host", ("machine_name", "machine_id"), roomy=True),
                _C("acts_for", "Acts for", ("run_as",), roomy=True),
                _C("asked", "Asked for", ("requested_at",)),
                _C("started", "Started", ("started_at",), usual=False),
                _C("finished", "Finished", ("finished_at",), usual=False),
                _C("took", "Took", end=True),
            ),
        ),
        List(
            "approvals",
            "/approvals",
            "Approvals",
            "users",
            Permission.APPROVAL_READ,
            ("show",),
            {"show": "open"},
        ),
        List(
            "playbooks",
            "/playbooks",
            "Playbooks",
            "workflow",
            Permission.PLAYBOOK_READ,
            ("state", "q"),
            columns=(
                _C("playbook", "Playbook", ("playbook", "id"), fixed=True),
                _C("state", "State", ("state",)),
                _C("version", "Version", ("version",)),
                _C("draft", "Draft", ("draft", "draft_saved_by"), usual=False),
                _C("by", "Published by", ("published_by",)),
                _C("created", "Created", ("created_at",), usual=False),
                _C("published", "Published", ("published_at",), end=True),
            ),
        ),
        List(
            "services",
            "/services",
            "Services",
            "timer",
            Permission.SERVICE_READ,
            ("state", "account", "q"),
            columns=(
                _C("service", "Service", ("service", "reason", "id"), fixed=True),
                _C("state", "State", ("state",)),
                _C("account", "Account", ("account", "source", "pool")),
                _C("polls", "Polls", ("interval", "history")),
                _C("last", "Last poll", ("polled_at",)),
                _C("next", "Next poll", ("next_poll_at",)),
                _C("lag", "Lag", ("lag_seconds",), end=True),
                _C("hits", "Hits", ("hits",), end=True, roomy=True),
                _C("misses", "Misses", ("misses",), end=True, roomy=True),
                _C("errors", "Errors", ("errors",), end=True),
                _C("created", "Created", ("created_at",), usual=False),
            ),
        ),
        List("apps", "/apps", "Apps", "layers", Permission.APP_READ, ("state", "category", "q")),
        List(
            "audit",
            "/audit",
            "Audit",
            "history",
            Permission.AUDIT_READ,
            ("event", "who", "since", "until", "q"),
            columns=(
                _C("number", "No.", end=True),
                _C("when", "When"),
                _C("who", "Who"),
                _C("what", "What", fixed=True),
                _C("details", "Details"),
                _C("hash", "SHA-256", usual=False),
            ),
        ),
    )
}
"""Every list, by its name."""


def by_name(name: str) -> List:
    """Return the list of that name; NotFound, with those that there are, if there is none."""
    found = LISTS.get(name)
    if found is None:
        near = get_close_matches(name, LISTS, 1)
        advice = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(LISTS)}."
        raise NotFound(f"There is no list {name[:60]!r}.", advice=advice)
    return found
