"""The words, tones and icons of severities and states. A tone is never the only difference: each has its own word and icon."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sign:
    """How a value is shown: `tone` is a CSS class, `icon` a symbol of the sprite, `about` a sentence for the tooltip."""

    word: str
    tone: str
    icon: str
    about: str = ""


SEVERITIES: dict[str, Sign] = {
    "High": Sign("High", "high", "chevrons-up"),
    "Medium": Sign("Medium", "medium", "chevron-up"),
    "Low": Sign("Low", "low", "equal"),
    "Informational": Sign("Info", "quiet", "info"),
    "UnSpecified": Sign("Unspecified", "quiet", "minus"),
}

ALERT_STATUSES: dict[str, Sign] = {
    "New": Sign("New", "info", "circle-dot"),
    "InProgress": Sign("In progress", "moving", "activity"),
    "Resolved": Sign("Resolved", "done", "check"),
    "Unknown": Sign("Unknown", "quiet", "circle-dashed"),
}

CONTAINMENTS: dict[str, Sign] = {
    "requested": Sign("Requested", "quiet", "circle-dashed", "Asked for; policy has not decided yet."),
    "denied": Sign("Denied", "bad", "ban", "Policy said no; nothing was sent to Defender."),
    "not_needed": Sign("Not needed", "done", "circle-slash", "The host is isolated by somebody else, or handled."),
    "awaiting_approval": Sign(
        "Awaiting approval", "warn", "users", "People were asked; nothing was sent to Defender yet."
    ),
    "rejected": Sign("Rejected", "bad", "user", "A person said no; nothing was sent to Defender."),
    "expired": Sign("Expired", "warn", "timer", "Nobody approved it in time; nothing was sent to Defender."),
    "approved": Sign("Approved", "info", "check", "It may be done; nothing was sent to Defender yet."),
    "submitting": Sign("Submitted", "info", "send", "The request has left; Defender has not answered yet."),
    "pending": Sign("Pending", "moving", "hourglass", "Defender accepted the request; the host is not isolated yet."),
    "contained": Sign("Contained", "held", "shield-check", "Defender confirmed that the host is isolated."),
    "failed": Sign("Failed", "bad", "circle-x", "Defender could not isolate the host."),
    "timed_out": Sign("Timed out", "bad", "clock", "Defender gave the action up; the host was not reached."),
    "cancelled": Sign("Cancelled", "warn", "x", "The action was cancelled before it took effect."),
    "withdrawn": Sign("Withdrawn", "warn", "undo-2", "The deadline passed; the queued action was cancelled."),
    "releasing": Sign("Releasing", "moving", "lock-open", "Release asked for; the host is still isolated."),
    "released": Sign("Released", "done", "lock-open", "Defender confirmed that the host is free."),
    "release_failed": Sign("Release failed", "bad", "triangle-alert", "The host is still isolated; it is tried again."),
    "superseded": Sign("Released outside", "warn", "user", "Somebody else released the host in Defender."),
}

RESPONSES: dict[str, Sign] = {
    "requested": Sign("Requested", "quiet", "circle-dashed", "Asked for; policy has not decided yet."),
    "denied": Sign("Denied", "bad", "ban", "Policy said no; nothing was sent to Defender."),
    "not_needed": Sign("Not needed", "done", "circle-slash", "It is so already, or under way already."),
    "awaiting_approval": Sign(
        "Awaiting approval", "warn", "users", "People were asked; nothing was sent to Defender yet."
    ),
    "rejected": Sign("Rejected", "bad", "user", "A person said no; nothing was sent to Defender."),
    "expired": Sign("Expired", "warn", "timer", "Too few said yes in time; nothing was sent to Defender."),
    "approved": Sign("Approved", "info", "check", "It may be done; nothing was sent to Defender yet."),
    "submitting": Sign("Submitted", "info", "send", "The request has left; Defender has not answered yet."),
    "pending": Sign("Pending", "moving", "hourglass", "Defender accepted the request; it has not taken effect yet."),
    "done": Sign("Done", "held", "shield-check", "Defender confirmed it."),
    "failed": Sign("Failed", "bad", "circle-x", "Defender could not do it."),
    "timed_out": Sign("Timed out", "bad", "clock", "Defender gave it up; the host was not reached."),
    "cancelled": Sign("Cancelled", "warn", "x", "It was cancelled before it took effect."),
    "withdrawn": Sign("Withdrawn", "warn", "undo-2", "The deadline passed; what was queued was cancelled."),
    "undoing": Sign("Undoing", "moving", "undo-2", "Taking back was asked for; it is still in effect."),
    "undo_failed": Sign("Undo failed", "bad", "triangle-alert", "It is still in effect; taking back is tried again."),
    "undone": Sign("Undone", "done", "undo-2", "Defender confirmed that it is no longer in effect."),
    "superseded": Sign("Taken back outside", "warn", "user", "Somebody else took it back in Defender."),
}

RESPONSE_KINDS: dict[str, Sign] = {
    "restrict_app_execution": Sign("Restrict apps", "held", "lock"),
    "stop_and_quarantine_file": Sign("Quarantine file", "held", "file"),
    "offboard": Sign("Offboard", "bad", "plug"),
    "antivirus_scan": Sign("Antivirus scan", "info", "search"),
    "investigation_package": Sign("Investigation package", "info", "file"),
    "indicators": Sign("Indicators", "info", "list-tree"),
}

INCIDENTS: dict[str, Sign] = {
    "open": Sign("Open", "info", "circle-dot", "Nobody has begun to work on it."),
    "in_progress": Sign("In progress", "moving", "activity"),
    "resolved": Sign("Resolved", "done", "check"),
}

RESOLUTIONS: dict[str, Sign] = {
    "true_positive": Sign("True positive", "bad", "shield-alert", "It was an attack."),
    "benign": Sign("Benign", "done", "circle-check", "It was what it seemed, and it was allowed."),
    "false_positive": Sign("False positive", "quiet", "circle-slash", "It was not what it seemed."),
    "undetermined": Sign("Undetermined", "quiet", "circle-dashed", "It could not be found out."),
    "merged": Sign("Merged", "quiet", "corner-down-right", "Another incident took it over."),
}

INCIDENT_EVENTS: dict[str, Sign] = {
    "created": Sign("Promoted", "info", "shield-alert"),
    "alerts_added": Sign("Alerts added", "info", "bell"),
    "alerts_removed": Sign("Alert taken out", "quiet", "bell"),
    "updated": Sign("Changed", "quiet", "pen-line"),
    "noted": Sign("Note", "quiet", "message-square"),
    "task_added": Sign("Task", "quiet", "list-tree"),
    "task_updated": Sign("Task changed", "quiet", "circle-check"),
    "host_held": Sign("Host held", "held", "shield"),
    "host_let_go": Sign("Host let go", "done", "lock-open"),
    "resolved": Sign("Resolved", "done", "check"),
    "reopened": Sign("Reopened", "warn", "undo-2"),
    "merged": Sign("Merged", "info", "corner-down-right"),
}

HOSTS: dict[str, Sign] = {
    "isolated": Sign("Isolated", "held", "shield-check", "The isolation that Defender carried out last is in force."),
    "free": Sign("Free", "done", "lock-open", "The release that Defender carried out last is in force."),
    "in_progress": Sign("In progress", "moving", "hourglass", "Defender has an isolation or a release under way."),
    "unknown": Sign("Unknown", "quiet", "circle-dashed", "No isolation or release is known to have succeeded."),
}

ORIGINS: dict[str, Sign] = {
    "ringfence": Sign("Ringfence", "info", "shield"),
    "person": Sign("Person", "info", "user", "Somebody did it in the portal."),
    "defender": Sign("Defender", "info", "cpu", "Defender did it by itself."),
    "tool": Sign("Other tool", "info", "plug", "An application did it by the API."),
    "unknown": Sign("Unknown", "quiet", "circle-dashed", "Defender does not say how it was asked for."),
}

RUNS: dict[str, Sign] = {
    "requested": Sign("Requested", "quiet", "circle-dashed"),
    "running": Sign("Running", "moving", "activity"),
    "waiting": Sign("Waiting", "info", "hourglass"),
    "succeeded": Sign("Succeeded", "done", "circle-check"),
    "partly_failed": Sign(
        "Partly failed", "warn", "triangle-alert", "Something failed, and the playbook dealt with it."
    ),
    "failed": Sign("Failed", "bad", "circle-x"),
    "cancelled": Sign("Cancelled", "quiet", "ban", "Somebody, or the playbook, ended it before its time."),
}

TRIGGERS: dict[str, Sign] = {
    "defender.alert": Sign("Alert", "quiet", "bell"),
    "webhook": Sign("Webhook", "quiet", "plug"),
    "service": Sign("Service", "quiet", "layers"),
    "timer": Sign("Timer", "quiet", "timer"),
    "mailbox": Sign("Mailbox", "quiet", "inbox"),
    "change": Sign("Change", "quiet", "activity"),
    "error": Sign("Failed run", "quiet", "circle-x"),
    "manual": Sign("Person", "quiet", "user"),
}

STEPS: dict[str, Sign] = {
    "pending": Sign("Not started", "quiet", "circle-dashed"),
    "started": Sign("Running", "moving", "activity"),
    "waiting": Sign("Waiting", "info", "hourglass"),
    "succeeded": Sign("Succeeded", "done", "circle-check"),
    "failed": Sign("Failed", "bad", "circle-x"),
    "skipped": Sign("Skipped", "quiet", "skip-forward"),
    "cancelled": Sign("Cancelled", "quiet", "ban"),
}

APPROVALS: dict[str, Sign] = {
    "open": Sign("Waiting", "warn", "hourglass", "People were asked and have not answered yet."),
    "approved": Sign("Approved", "done", "check"),
    "rejected": Sign("Rejected", "bad", "ban"),
    "expired": Sign("Expired", "warn", "timer", "Nobody answered in time."),
    "void": Sign("Void", "quiet", "circle-slash", "What it was about has changed; no answer counts."),
}

CHANNELS: dict[str, Sign] = {
    "unused": Sign("Not used yet", "quiet", "circle-dashed"),
    "working": Sign("Working", "done", "circle-check"),
    "failing": Sign("Failing", "bad", "circle-x", "The last message was not taken; it is tried again."),
}

NOTIFICATIONS: dict[str, Sign] = {
    "waiting": Sign("On its way", "moving", "hourglass"),
    "sent": Sign("Sent", "done", "check"),
    "dropped": Sign(
        "Not needed", "quiet", "circle-slash", "It was over before it could be sent, or is not for this person."
    ),
    "failed": Sign("Given up", "bad", "circle-x", "It could not be delivered for three days."),
}

TOKENS: dict[str, Sign] = {
    "active": Sign("Active", "done", "circle-check"),
    "expired": Sign("Expired", "quiet", "clock"),
    "revoked": Sign("Revoked", "quiet", "ban"),
}
ACCOUNTS: dict[str, Sign] = {
    "pending": Sign("Pending", "info", "circle-dashed", "It was never proven to work; nothing is done through it."),
    "healthy": Sign("Healthy", "done", "circle-check", "All that it is needed for was proven."),
    "degraded": Sign(
        "Degraded", "warn", "triangle-alert", "It is used, but something that it is needed for is missing."
    ),
    "failed": Sign("Failing", "bad", "circle-x", "Nothing is attempted until it is proven again."),
    "disabled": Sign("Disabled", "quiet", "pause", "A person switched it off."),
}

SERVICES: dict[str, Sign] = {
    "off": Sign("Off", "quiet", "pause", "A person switched it off."),
    "starting": Sign("Starting", "info", "hourglass", "Its first poll has not come yet."),
    "running": Sign("Running", "done", "circle-check", "The last poll went well."),
    "degraded": Sign("Degraded", "warn", "triangle-alert", "Polls fail and are repeated, or something was missed."),
    "failed": Sign("Failed", "bad", "circle-x", "Polls keep failing; it is still tried every few minutes."),
}

PLAYBOOKS: dict[str, Sign] = {
    "draft": Sign("Draft", "quiet", "pen-line"),
    "active": Sign("Active", "done", "zap"),
    "paused": Sign("Paused", "warn", "pause"),
    "retired": Sign("Retired", "quiet", "ban"),
}

DRILLS: dict[str, Sign] = {
    "preparing": Sign("Preparing", "quiet", "circle-dashed", "Is it the right device, and would policy refuse others?"),
    "observing": Sign("Observing", "info", "eye", "The test alert is awaited."),
    "containing": Sign("Containing", "moving", "shield", "The playbook is expected to contain the device."),
    "releasing": Sign("Releasing", "moving", "lock-open", "The device is being let go."),
    "passed": Sign("Passed", "done", "circle-check"),
    "failed": Sign("Failed", "bad", "circle-x"),
    "aborted": Sign("Aborted", "warn", "octagon-alert", "A person ended it; the device was let go."),
}

DRILL_STEPS: dict[str, Sign] = {
    "done": Sign("Done", "done", "check"),
    "warning": Sign("Warning", "warn", "triangle-alert"),
    "failed": Sign("Failed", "bad", "circle-x"),
}

OUTCOMES: dict[str, Sign] = {
    "allowed": Sign("Would be contained", "done", "check", "Policy allows it without asking anybody."),
    "ask": Sign("People would be asked", "warn", "users", "Policy wants a person's yes first."),
    "denied": Sign("Would be refused", "bad", "ban", "Policy says no."),
    "not_needed": Sign("Not needed", "done", "circle-slash", "Defender has dealt with it already."),
}

SAID: dict[str, Sign] = {
    "allowed": Sign("Allowed", "done", "check", "Policy let it pass without asking anybody."),
    "ask": Sign("People asked", "warn", "users", "Policy wanted a person's yes first."),
    "denied": Sign("Not allowed", "bad", "ban", "Policy said no."),
    "not_needed": Sign("Not needed", "done", "circle-slash", "Defender had dealt with it already."),
}

LEVELS: dict[str, Sign] = {
    "error": Sign("Error", "bad", "circle-x"),
    "warn": Sign("Warning", "warn", "triangle-alert"),
    "warning": Sign("Warning", "warn", "triangle-alert"),
    "info": Sign("Info", "info", "info"),
    "debug": Sign("Debug", "quiet", "terminal"),
    "trace": Sign("Trace", "quiet", "terminal"),
}

VERDICTS: dict[str, Sign] = {
    "started": Sign("Started", "done", "zap"),
    "joined": Sign("Joined", "info", "list-tree", "A run for the same machine or incident was under way."),
    "not_matched": Sign("Not matched", "quiet", "circle-slash"),
    "own_change": Sign("Own change", "quiet", "undo-2", "It holds nothing but what Ringfence itself wrote."),
    "late": Sign("Late", "warn", "clock", "It is older than what was known when it came."),
    "paused": Sign("Paused", "warn", "pause"),
    "awaited": Sign(
        "Waits", "info", "hourglass", "The alert lacks the machine or the evidence that the playbook needs."
    ),
    "not_there": Sign("Not there yet", "quiet", "circle-dashed", "It did not wait for alerts when the version came."),
}

STANDINGS: dict[str, Sign] = {
    "news": Sign("News", "quiet", "circle-dot"),
    "late": Sign("Came late", "warn", "clock", "It is older than what was known when it came."),
    "own": Sign("Own change", "quiet", "undo-2", "It holds nothing but what Ringfence itself wrote."),
    "mixed": Sign("Partly own", "info", "undo-2", "Beside somebody else's change it holds what Ringfence wrote."),
}

# What Defender files alerts under.
CATEGORIES = (
    "Collection",
    "CommandAndControl",
    "CredentialAccess",
    "CredentialStealing",
    "DefenseEvasion",
    "Delivery",
    "Discovery",
    "Execution",
    "Exfiltration",
    "Exploit",
    "General",
    "Impact",
    "InitialAccess",
    "LateralMovement",
    "Malware",
    "Persistence",
    "PrivilegeEscalation",
    "Ransomware",
    "SuspiciousActivity",
    "UnwantedSoftware",
    "WebExploit",
)

EVIDENCE_ICONS = {"Process": "cpu", "File": "file", "User": "user", "Ip": "network", "Url": "globe"}

APPS: dict[str, Sign] = {
    "installed": Sign("Installed", "done", "check"),
    "elsewhere": Sign("For others", "quiet", "circle-slash", "Other organizations may use it, this one may not."),
    "upgraded": Sign("Upgraded", "info", "sparkles", "Its package has a newer version than the one looked at last."),
    "available": Sign("Not installed", "quiet", "circle-dashed", "Nobody may use it in new versions of playbooks."),
    "broken": Sign("Broken", "bad", "circle-x", "Its package cannot be used."),
}

WEBHOOKS: dict[str, Sign] = {
    "on": Sign("Listened to", "done", "check", "A message starts the playbooks that listen to it."),
    "paused": Sign("Paused", "warn", "pause", "Every playbook that listens to it is paused: messages start nothing."),
    "unheard": Sign("Nobody listens", "warn", "circle-dashed", "No playbook listens to it: messages start nothing."),
    "off": Sign("Off", "quiet", "pause", "A person switched it off: every message is refused."),
    "deaf": Sign("No secret", "bad", "circle-x", "None of its secrets is valid any more: every message is refused."),
}

STARTS: dict[str, Sign] = {
    "started": Sign("Started", "done", "play"),
    "not started": Sign("Not started", "quiet", "circle-slash"),
}

ORGANIZATIONS: dict[str, Sign] = {
    "active": Sign("Active", "done", "check", "Its people work in it."),
    "frozen": Sign("Frozen", "warn", "pause", "Nothing new is begun; releases go on."),
    "closed": Sign("Closed", "quiet", "x", "Only System Administrators come in."),
}
KINDS = {
    "organization": ORGANIZATIONS,
    "webhook": WEBHOOKS,
    "start": STARTS,
    "severity": SEVERITIES,
    "alert": ALERT_STATUSES,
    "containment": CONTAINMENTS,
    "response": RESPONSES,
    "response_kind": RESPONSE_KINDS,
    "host": HOSTS,
    "origin": ORIGINS,
    "incident": INCIDENTS,
    "incident_event": INCIDENT_EVENTS,
    "drill": DRILLS,
    "drill_step": DRILL_STEPS,
    "resolution": RESOLUTIONS,
    "run": RUNS,
    "step": STEPS,
    "trigger": TRIGGERS,
    "account": ACCOUNTS,
    "token": TOKENS,
    "app": APPS,
    "approval": APPROVALS,
    "channel": CHANNELS,
    "notification": NOTIFICATIONS,
    "service": SERVICES,
    "playbook": PLAYBOOKS,
    "level": LEVELS,
    "outcome": OUTCOMES,
    "said": SAID,
    "verdict": VERDICTS,
    "standing": STANDINGS,
}


def sign(kind: str, value: str) -> Sign:
    """Return how `value` is shown; a word that is not ours is shown as it came, in a quiet tone."""
    return KINDS[kind].get(value) or Sign(value or "Unknown", "quiet", "circle")
