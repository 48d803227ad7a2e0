"""Everything that is written down, `noun:verb`, each with its sentence. The list is closed: what is not here is not written.

The noun is the subject's. A new event is one line here and one `log.write` where it happens.
"""

from enum import StrEnum
from typing import Final


class Event(StrEnum):
    """What happened."""

    SIGN_IN_LINK_MADE = "sign_in:link_made"
    SIGN_IN_SUCCEEDED = "sign_in:succeeded"
    SIGN_IN_FAILED = "sign_in:failed"
    SIGN_IN_ENDED = "sign_in:ended"
    SIGN_IN_CONFIRMED = "sign_in:confirmed"
    SIGN_IN_LOCKED = "sign_in:locked"

    SESSION_REVOKED = "session:revoked"

    PASSWORD_CHANGED = "password:changed"
    PASSWORD_RESET_ASKED = "password:reset_asked"

    SECOND_FACTOR_ADDED = "second_factor:added"
    SECOND_FACTOR_REMOVED = "second_factor:removed"
    RECOVERY_CODES_MADE = "recovery_code:made"
    RECOVERY_CODE_USED = "recovery_code:used"

    SIGN_IN_RULES_CHANGED = "sign_in_rules:changed"

    TOKEN_CREATED = "token:created"
    TOKEN_REVOKED = "token:revoked"
    TOKEN_REFUSED = "token:refused"

    IDENTITY_PROVIDER_ADDED = "identity_provider:added"
    IDENTITY_PROVIDER_CHANGED = "identity_provider:changed"
    IDENTITY_PROVIDER_REMOVED = "identity_provider:removed"
    IDENTITY_LINKED = "identity:linked"

    USER_CREATED = "user:created"
    USER_ADDED = "user:added"
    USER_ROLE_CHANGED = "user:role_changed"
    USER_REMOVED = "user:removed"
    TEAM_CHANGED = "team:changed"
    TEAM_REMOVED = "team:removed"
    FILTER_SHARED = "filter:shared"
    FILTER_REMOVED = "filter:removed"

    ORGANIZATION_CREATED = "organization:created"
    ORGANIZATION_RENAMED = "organization:renamed"
    ORGANIZATION_ENTERED = "organization:entered"
    ORGANIZATION_FROZEN = "organization:frozen"
    ORGANIZATION_CLOSED = "organization:closed"
    ORGANIZATION_OPENED = "organization:opened"

    ACCOUNT_ADDED = "account:added"
    ACCOUNT_RENEWED = "account:renewed"
    ACCOUNT_PROVEN = "account:proven"
    ACCOUNT_DEGRADED = "account:degraded"
    ACCOUNT_FAILED = "account:failed"
    ACCOUNT_ENABLED = "account:enabled"
    ACCOUNT_DISABLED = "account:disabled"
    ACCOUNT_CHANGED = "account:changed"
    ACCOUNT_CREDENTIAL_ADDED = "account:credential_added"
    ACCOUNT_CREDENTIAL_REMOVED = "account:credential_removed"
    ACCOUNT_REMOVED = "account:removed"

    SERVICE_CREATED = "service:created"
    SERVICE_CHANGED = "service:changed"
    SERVICE_ACTIVATED = "service:activated"
    SERVICE_PAUSED = "service:paused"
    SERVICE_REMOVED = "service:removed"

    APP_INSTALLED = "app:installed"
    APP_CHANGED = "app:changed"
    APP_UNINSTALLED = "app:uninstalled"
    APP_UPGRADED = "app:upgraded"

    WEBHOOK_CREATED = "webhook:created"
    WEBHOOK_CHANGED = "webhook:changed"
    WEBHOOK_ENABLED = "webhook:enabled"
    WEBHOOK_DISABLED = "webhook:disabled"
    WEBHOOK_ROTATED = "webhook:rotated"
    WEBHOOK_REMOVED = "webhook:removed"

    SUBSCRIPTION_CREATED = "subscription:created"
    SUBSCRIPTION_CHANGED = "subscription:changed"
    SUBSCRIPTION_ROTATED = "subscription:rotated"
    SUBSCRIPTION_DISABLED = "subscription:disabled"
    SUBSCRIPTION_REDELIVERED = "subscription:redelivered"
    SUBSCRIPTION_REMOVED = "subscription:removed"

    MAILBOX_ADDED = "mailbox:added"
    MAILBOX_REMOVED = "mailbox:removed"

    CHANNEL_ADDED = "channel:added"
    CHANNEL_CHANGED = "channel:changed"
    CHANNEL_REMOVED = "channel:removed"

    NOTIFICATION_RULE_CHANGED = "notification_rule:changed"
    NOTIFICATION_RULE_REMOVED = "notification_rule:removed"
    NOTIFICATION_TAKEN = "notification:taken"

    PLAYBOOK_DRAFTED = "playbook:drafted"
    PLAYBOOK_DRAFT_DISCARDED = "playbook:draft_discarded"
    PLAYBOOK_PUBLISHED = "playbook:published"
    PLAYBOOK_PUBLISHED_UNPROVEN = "playbook:published_unproven"
    PLAYBOOK_PROVED = "playbook:proved"
    PLAYBOOK_PAUSED = "playbook:paused"
    PLAYBOOK_RESUMED = "playbook:resumed"
    PLAYBOOK_RETIRED = "playbook:retired"
    PLAYBOOK_RULES_CHANGED = "playbook:rules_changed"

    RUN_STARTED = "run:started"
    RUN_CANCELLED = "run:cancelled"
    HOURLY_RATE_CHANGED = "hourly_rate:changed"
    ACTION_CARRIED_OUT = "action:carried_out"

    POLICY_CHANGED = "policy:changed"
    POLICY_FROZEN = "policy:frozen"
    POLICY_UNFROZEN = "policy:unfrozen"
    POLICY_BRAKED = "policy:braked"
    POLICY_BRAKE_LIFTED = "policy:brake_lifted"

    APPROVAL_ASKED = "approval:asked"
    APPROVAL_ANSWERED = "approval:answered"
    APPROVAL_ESCALATED = "approval:escalated"
    APPROVAL_CLOSED = "approval:closed"

    CONTAINMENT_REQUESTED = "containment:requested"
    CONTAINMENT_HELD = "containment:held"
    CONTAINMENT_LET_GO = "containment:let_go"
    CONTAINMENT_RELEASE_REQUESTED = "containment:release_requested"
    CONTAINMENT_APPROVED = "containment:approved"
    CONTAINMENT_DENIED = "containment:denied"
    CONTAINMENT_NOT_NEEDED = "containment:not_needed"
    CONTAINMENT_AWAITING_APPROVAL = "containment:awaiting_approval"
    CONTAINMENT_ASKED_AGAIN = "containment:asked_again"
    CONTAINMENT_REJECTED = "containment:rejected"
    CONTAINMENT_EXPIRED = "containment:expired"
    CONTAINMENT_SUBMITTED = "containment:submitted"
    CONTAINMENT_ACCEPTED = "containment:accepted"
    CONTAINMENT_CONFIRMED = "containment:confirmed"
    CONTAINMENT_FAILED = "containment:failed"
    CONTAINMENT_TIMED_OUT = "containment:timed_out"
    CONTAINMENT_CANCELLED = "containment:cancelled"
    CONTAINMENT_WITHDRAWN = "containment:withdrawn"
    CONTAINMENT_RELEASING = "containment:releasing"
    CONTAINMENT_RELEASED = "containment:released"
    CONTAINMENT_RELEASE_FAILED = "containment:release_failed"
    CONTAINMENT_SUPERSEDED = "containment:superseded"
    CONTAINMENT_NOTED = "containment:noted"
    CONTAINMENT_PROVEN = "containment:proof_taken"

    RESPONSE_REQUESTED = "response:requested"
    RESPONSE_JOINED = "response:joined"
    RESPONSE_LET_GO = "response:let_go"
    RESPONSE_UNDO_REQUESTED = "response:undo_requested"
    RESPONSE_APPROVED = "response:approved"
    RESPONSE_DENIED = "response:denied"
    RESPONSE_NOT_NEEDED = "response:not_needed"
    RESPONSE_AWAITING_APPROVAL = "response:awaiting_approval"
    RESPONSE_ASKED_AGAIN = "response:asked_again"
    RESPONSE_REJECTED = "response:rejected"
    RESPONSE_EXPIRED = "response:expired"
    RESPONSE_SUBMITTED = "response:submitted"
    RESPONSE_ACCEPTED = "response:accepted"
    RESPONSE_CONFIRMED = "response:confirmed"
    RESPONSE_FAILED = "response:failed"
    RESPONSE_TIMED_OUT = "response:timed_out"
    RESPONSE_CANCELLED = "response:cancelled"
    RESPONSE_WITHDRAWN = "response:withdrawn"
    RESPONSE_UNDOING = "response:undoing"
    RESPONSE_UNDONE = "response:undone"
    RESPONSE_UNDO_FAILED = "response:undo_failed"
    RESPONSE_SUPERSEDED = "response:superseded"
    RESPONSE_NOTED = "response:noted"

    ALERT_WRITTEN = "alert:written"
    ALERT_TOLD = "alert:told"

    INCIDENT_PROMOTED = "incident:promoted"
    INCIDENT_CHANGED = "incident:changed"
    INCIDENT_CLOSED = "incident:closed"
    INCIDENT_REOPENED = "incident:reopened"

    TABLE_CREATED = "table:created"
    TABLE_CHANGED = "table:changed"
    TABLE_REMOVED = "table:removed"

    HTTP_ACCOUNT_ADDED = "http_account:added"
    HTTP_ACCOUNT_RENEWED = "http_account:renewed"
    HTTP_ACCOUNT_REMOVED = "http_account:removed"
    DESTINATION_ALLOWED = "destination:allowed"
    DESTINATION_WITHDRAWN = "destination:withdrawn"

    DRILL_STARTED = "drill:started"
    DRILL_ENDED = "drill:ended"
    DRILL_ABORTED = "drill:aborted"
    DRILL_CHANGED = "drill:changed"

    AUDIT_EXPORTED = "audit:exported"

    AUDIT_KEY_ROTATED = "audit_key:rotated"
    KEY_ROTATED = "key:rotated"
    KEY_WRAPPED = "key:wrapped"
    KEY_RETIRED = "key:retired"
    KEY_SHREDDED = "key:shredded"
    MASTER_KEY_RETIRED = "master_key:retired"

    @property
    def subject(self) -> str:
        """The noun."""
        return self.value.partition(":")[0]

    @property
    def sentence(self) -> str:
        """What it means, for people."""
        return SENTENCES[self]


_E = Event
SENTENCES: Final[dict[Event, str]] = {
    _E.SIGN_IN_LINK_MADE: "An address was made that signs a person in once.",
    _E.SIGN_IN_SUCCEEDED: "A person signed in.",
    _E.SIGN_IN_FAILED: "Somebody tried to sign in and was refused.",
    _E.SIGN_IN_ENDED: "A person signed out.",
    _E.SIGN_IN_CONFIRMED: "A person who was signed in proved once more who they are.",
    _E.SIGN_IN_LOCKED: "After too many failures nobody can sign in by a name for a while, but from a browser that is known.",
    _E.SESSION_REVOKED: "Sessions of a person were ended.",
    _E.PASSWORD_CHANGED: "A person was given a new password.",
    _E.PASSWORD_RESET_ASKED: "A person, or somebody by their name, asked for a mail to choose a new password by.",
    _E.SECOND_FACTOR_ADDED: "A person signs in with codes of an authenticator app from now on.",
    _E.SECOND_FACTOR_REMOVED: "The authenticator app of a person was removed.",
    _E.RECOVERY_CODES_MADE: "A person was given new recovery codes; those before are void.",
    _E.RECOVERY_CODE_USED: "A person signed in with a recovery code.",
    _E.SIGN_IN_RULES_CHANGED: "What an organization demands of its people's sign-in was changed.",
    _E.TOKEN_CREATED: "A token for programs was made.",
    _E.TOKEN_REVOKED: "A token for programs was revoked.",
    _E.TOKEN_REFUSED: "A program came with a token that is unknown, expired or revoked.",
    _E.IDENTITY_PROVIDER_ADDED: "A provider of identities was added, at which people sign in.",
    _E.IDENTITY_PROVIDER_CHANGED: "A provider of identities was changed.",
    _E.IDENTITY_PROVIDER_REMOVED: "A provider of identities was removed.",
    _E.IDENTITY_LINKED: "A person was linked to who they are at a provider of identities.",
    _E.USER_CREATED: "A person was given access.",
    _E.USER_ADDED: "A person was given a role in an organization.",
    _E.USER_ROLE_CHANGED: "A person was given another role.",
    _E.USER_REMOVED: "A person may no longer work in an organization.",
    _E.TEAM_CHANGED: "A team was made, or given other people.",
    _E.TEAM_REMOVED: "A team was removed.",
    _E.FILTER_SHARED: "A filter of a list was shared with the organization.",
    _E.FILTER_REMOVED: "A filter of a list is shared no longer.",
    _E.ORGANIZATION_CREATED: "An organization was made.",
    _E.ORGANIZATION_RENAMED: "An organization was given another name.",
    _E.ORGANIZATION_ENTERED: "A person who works in several organizations went over to this one.",
    _E.ORGANIZATION_FROZEN: "An organization was frozen: nothing new is begun in it, and releases go on.",
    _E.ORGANIZATION_CLOSED: "An organization was closed: only System Administrators come in.",
    _E.ORGANIZATION_OPENED: "An organization that was frozen or closed was opened again.",
    _E.ACCOUNT_ADDED: "A Defender tenant was connected.",
    _E.ACCOUNT_RENEWED: "An account was given a new credential.",
    _E.ACCOUNT_PROVEN: "An account's credential was tested and works.",
    _E.ACCOUNT_DEGRADED: "An account works, but not for everything that it is needed for.",
    _E.ACCOUNT_FAILED: "An account's credential was refused; nothing is attempted until it is proven again.",
    _E.ACCOUNT_ENABLED: "An account was switched on.",
    _E.ACCOUNT_DISABLED: "An account was switched off.",
    _E.ACCOUNT_CHANGED: "What an account is used for was changed.",
    _E.ACCOUNT_CREDENTIAL_ADDED: "A second credential was put beside the one that an account uses.",
    _E.ACCOUNT_CREDENTIAL_REMOVED: "The credential beside the one that an account uses was removed.",
    _E.ACCOUNT_REMOVED: "An account that never worked was removed.",
    _E.SERVICE_CREATED: "A trigger service was made.",
    _E.SERVICE_CHANGED: "A trigger service was changed.",
    _E.SERVICE_ACTIVATED: "A trigger service was switched on.",
    _E.SERVICE_PAUSED: "A trigger service was switched off.",
    _E.SERVICE_REMOVED: "A trigger service was removed.",
    _E.APP_INSTALLED: "An app was installed.",
    _E.APP_CHANGED: "Which organizations may use an app was changed.",
    _E.APP_UNINSTALLED: "An app was uninstalled; playbooks that use it go on, and are not published anew.",
    _E.APP_UPGRADED: "What a new version of an app brought was looked at.",
    _E.WEBHOOK_CREATED: "A webhook was made.",
    _E.WEBHOOK_CHANGED: "How long senders to a webhook wait was changed.",
    _E.WEBHOOK_ENABLED: "A webhook that was off was switched on.",
    _E.WEBHOOK_DISABLED: "A webhook was switched off; it takes no messages.",
    _E.WEBHOOK_ROTATED: "A webhook was given a new secret.",
    _E.WEBHOOK_REMOVED: "A webhook was removed.",
    _E.SUBSCRIPTION_CREATED: "Somebody was subscribed to changes.",
    _E.SUBSCRIPTION_CHANGED: "A subscription was changed, paused or switched on.",
    _E.SUBSCRIPTION_ROTATED: "A subscription was given a new secret.",
    _E.SUBSCRIPTION_DISABLED: "A subscription was disabled, because nobody took its messages.",
    _E.SUBSCRIPTION_REDELIVERED: "A message of a subscription was sent once more.",
    _E.SUBSCRIPTION_REMOVED: "A subscription was removed.",
    _E.MAILBOX_ADDED: "A mailbox was connected.",
    _E.MAILBOX_REMOVED: "A mailbox was removed.",
    _E.CHANNEL_ADDED: "A channel for notifications was added.",
    _E.CHANNEL_CHANGED: "A channel for notifications was changed.",
    _E.CHANNEL_REMOVED: "A channel for notifications was removed.",
    _E.NOTIFICATION_RULE_CHANGED: "A rule of who is told of what was made or changed.",
    _E.NOTIFICATION_RULE_REMOVED: "A rule of who is told of what was removed.",
    _E.NOTIFICATION_TAKEN: "A person took a notice over: nobody else is reminded or called.",
    _E.PLAYBOOK_DRAFTED: "A draft of a playbook was saved.",
    _E.PLAYBOOK_DRAFT_DISCARDED: "A draft of a playbook was discarded.",
    _E.PLAYBOOK_PUBLISHED: "A version of a playbook was published.",
    _E.PLAYBOOK_PUBLISHED_UNPROVEN: "A version of a playbook was published although its release is not proven, with a reason.",
    _E.PLAYBOOK_PROVED: "It was tried in the simulator whether a playbook lets go of what it cuts off.",
    _E.PLAYBOOK_PAUSED: "A playbook was paused.",
    _E.PLAYBOOK_RESUMED: "A playbook was resumed.",
    _E.PLAYBOOK_RETIRED: "A playbook was retired.",
    _E.PLAYBOOK_RULES_CHANGED: "Who may publish playbooks was changed.",
    _E.RUN_STARTED: "A run of a playbook was started by hand.",
    _E.HOURLY_RATE_CHANGED: "What an hour of people's work costs was changed.",
    _E.RUN_CANCELLED: "A run was cancelled.",
    _E.ACTION_CARRIED_OUT: "One action that changes something is about to be carried out by hand.",
    _E.POLICY_CHANGED: "A layer of policy was given a new version.",
    _E.POLICY_FROZEN: "The kill switch was put on: nothing new is contained, releases go on.",
    _E.POLICY_UNFROZEN: "The kill switch was taken off.",
    _E.POLICY_BRAKED: "A limit was reached: nothing more is done to hosts under it, and a person must look.",
    _E.POLICY_BRAKE_LIFTED: "A person let containments go on in spite of the limits, for a time.",
    _E.APPROVAL_ASKED: "People were asked whether something may be done.",
    _E.APPROVAL_ANSWERED: "A person answered.",
    _E.APPROVAL_ESCALATED: "Nobody answered in time, and others were asked.",
    _E.APPROVAL_CLOSED: "A question was settled: approved, rejected, expired or void.",
    _E.CONTAINMENT_REQUESTED: "A host was asked to be contained.",
    _E.CONTAINMENT_HELD: "One more holder wants the host held.",
    _E.CONTAINMENT_LET_GO: "A holder let go of a host that others still hold.",
    _E.CONTAINMENT_RELEASE_REQUESTED: "The release of a host was asked for.",
    _E.CONTAINMENT_APPROVED: "A containment may be done.",
    _E.CONTAINMENT_DENIED: "Policy refused a containment; nothing was sent to Defender.",
    _E.CONTAINMENT_NOT_NEEDED: "A containment was not needed.",
    _E.CONTAINMENT_AWAITING_APPROVAL: "A containment waits for people.",
    _E.CONTAINMENT_ASKED_AGAIN: "What a containment was decided by has changed, and it is decided anew.",
    _E.CONTAINMENT_REJECTED: "A person refused a containment; nothing was sent to Defender.",
    _E.CONTAINMENT_EXPIRED: "Nobody approved a containment in time; nothing was sent to Defender.",
    _E.CONTAINMENT_SUBMITTED: "The isolation of a host is about to be sent to Defender.",
    _E.CONTAINMENT_ACCEPTED: "Defender accepted the isolation; the host is not isolated yet.",
    _E.CONTAINMENT_CONFIRMED: "Defender confirmed that the host is isolated.",
    _E.CONTAINMENT_FAILED: "A containment failed.",
    _E.CONTAINMENT_TIMED_OUT: "Defender gave an isolation up.",
    _E.CONTAINMENT_CANCELLED: "A containment was cancelled before it took effect.",
    _E.CONTAINMENT_WITHDRAWN: "An isolation that was still queued at its deadline was withdrawn.",
    _E.CONTAINMENT_RELEASING: "The release of a host was begun.",
    _E.CONTAINMENT_RELEASED: "Defender confirmed that the host is free.",
    _E.CONTAINMENT_RELEASE_FAILED: "A release failed; the host is still isolated, and it is tried again.",
    _E.CONTAINMENT_SUPERSEDED: "Somebody else released the host in Defender.",
    _E.CONTAINMENT_NOTED: "Something was noted about a containment.",
    _E.CONTAINMENT_PROVEN: "The proof package of a containment was taken.",
    _E.RESPONSE_REQUESTED: "A response action was asked for.",
    _E.RESPONSE_JOINED: "One more wants what a response action does already.",
    _E.RESPONSE_LET_GO: "Who wanted a response action let go of it, and others still want it.",
    _E.RESPONSE_UNDO_REQUESTED: "A response action was asked to be cancelled or undone.",
    _E.RESPONSE_APPROVED: "A response action may be done.",
    _E.RESPONSE_DENIED: "Policy refused a response action; nothing was sent to Defender.",
    _E.RESPONSE_NOT_NEEDED: "A response action was not needed.",
    _E.RESPONSE_AWAITING_APPROVAL: "A response action waits for people.",
    _E.RESPONSE_ASKED_AGAIN: "What a response action was decided by has changed, and it is decided anew.",
    _E.RESPONSE_REJECTED: "A person refused a response action; nothing was sent to Defender.",
    _E.RESPONSE_EXPIRED: "Nobody approved a response action in time; nothing was sent to Defender.",
    _E.RESPONSE_SUBMITTED: "A response action is about to be sent to Defender.",
    _E.RESPONSE_ACCEPTED: "Defender accepted a response action; it is not done yet.",
    _E.RESPONSE_CONFIRMED: "Defender confirmed a response action.",
    _E.RESPONSE_FAILED: "A response action failed.",
    _E.RESPONSE_TIMED_OUT: "Defender gave a response action up.",
    _E.RESPONSE_CANCELLED: "A response action was cancelled before it took effect.",
    _E.RESPONSE_WITHDRAWN: "A response action that was still queued at its deadline was withdrawn.",
    _E.RESPONSE_UNDOING: "The undoing of a response action was begun.",
    _E.RESPONSE_UNDONE: "A response action was undone.",
    _E.RESPONSE_UNDO_FAILED: "The undoing of a response action failed; it is still in effect, and it is tried again.",
    _E.RESPONSE_SUPERSEDED: "Somebody else took a response action back in Defender.",
    _E.RESPONSE_NOTED: "Something was noted about a response action.",
    _E.ALERT_WRITTEN: "An alert's fields in Defender are about to be written.",
    _E.ALERT_TOLD: "An alert in Defender was told the verified result of a containment.",
    _E.INCIDENT_PROMOTED: "An alert was promoted to an incident.",
    _E.INCIDENT_CHANGED: "An incident was changed.",
    _E.INCIDENT_CLOSED: "An incident was closed.",
    _E.INCIDENT_REOPENED: "An incident was opened again.",
    _E.TABLE_CREATED: "A table for playbooks was made.",
    _E.TABLE_CHANGED: "Entries of a table were put in or taken out.",
    _E.TABLE_REMOVED: "A table was removed.",
    _E.HTTP_ACCOUNT_ADDED: "A credential for a service by HTTP was added.",
    _E.HTTP_ACCOUNT_RENEWED: "A service by HTTP was given a new credential.",
    _E.HTTP_ACCOUNT_REMOVED: "A credential for a service by HTTP was removed.",
    _E.DESTINATION_ALLOWED: "Playbooks were allowed to call a host.",
    _E.DESTINATION_WITHDRAWN: "Playbooks may not call a host any more.",
    _E.DRILL_STARTED: "A drill was started.",
    _E.DRILL_ENDED: "A drill ended, with a scorecard.",
    _E.DRILL_ABORTED: "A drill was aborted.",
    _E.DRILL_CHANGED: "The devices or the schedule of drills were changed.",
    _E.AUDIT_EXPORTED: "The audit log was exported.",
    _E.AUDIT_KEY_ROTATED: "The key that signs heads of the audit log was changed; the old one proves what it signed.",
    _E.KEY_ROTATED: "An organization was given a new key, by which its secrets are sealed anew.",
    _E.KEY_WRAPPED: "An organization's key was wrapped under a new master key.",
    _E.KEY_RETIRED: "A key of an organization that nothing needed any more was deleted.",
    _E.KEY_SHREDDED: "The keys of an organization were deleted: nobody can read its secrets any more.",
    _E.MASTER_KEY_RETIRED: "A master key that nothing needed any more was retired.",
}
