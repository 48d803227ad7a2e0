"""Why each version of an alert did or did not start each playbook: the verdicts as they were kept, explained.

The verdict is the recorded one. Its explanation, condition by condition, is worked out anew from the version that is kept
and from the trigger as it was published then, neither of which ever changes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ringfence.accounts import records
from ringfence.accounts.model import Account, AccountState
from ringfence.alerts import ledger, queue
from ringfence.alerts.ledger import Carried, Kept, Named
from ringfence.alerts.model import Alert, AlertVersion
from ringfence.alerts.transitions import Change
from ringfence.alerts.versions import Differences, Standing
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.storage import Transaction
from ringfence.triggers import defender
from ringfence.triggers.base import FieldMatch, Match, Verdict
from ringfence.triggers.registry import ActiveTrigger, Registry

NOT_THERE = "not_there"


@dataclass(frozen=True, slots=True)
class PlaybookWhy:
    """What became of one version for one playbook.

    `verdict` is started, joined, not_matched, own_change, late, paused or not_there (it did not wait for alerts then);
    `number` is the playbook's version that was asked, None where that is gone. `conditions` are empty where none was looked at.
    """

    playbook_id: str
    playbook: str
    number: str | None
    verdict: str
    reason: str
    conditions: tuple[FieldMatch, ...] = ()
    run_id: str | None = None
    run_status: str | None = None


@dataclass(frozen=True, slots=True)
class VersionWhy:
    """One version: what it did, what it differs in, and what became of it for each playbook; `note` says what they share."""

    version: int
    seen_at: datetime
    standing: Standing
    changes: tuple[str, ...]
    differences: Differences
    ours: tuple[str, ...]
    note: str
    decided_at: datetime | None
    playbooks: tuple[PlaybookWhy, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """All versions of an alert, the newest first; `notes` say what keeps later ones from starting anything now."""

    alert: Alert
    notes: tuple[str, ...]
    versions: tuple[VersionWhy, ...]


def explain(tx: Transaction, organization_id: str, alert: Alert, registry: Registry | None = None) -> Why:
    """Explain an alert of an organization."""
    known = registry or Registry()
    kept = ledger.read(tx, alert.id)
    now = known.of_organization(tx, organization_id)
    asked = {member.version_id for each in kept.values() for member in each.members}
    explainer = _Explainer(
        alert,
        names=ledger.names(tx, organization_id, asked),
        triggers=known.by_version(tx, organization_id, asked),
        now=now,
        carried={(each.version, each.playbook_id): each for each in ledger.carried(tx, alert.id)},
    )
    versions = queue.versions(tx, organization_id, alert)
    return Why(
        alert,
        _notes(records.by_id(tx, alert.account_id), now),
        tuple(explainer.version(each, kept.get(each.version)) for each in reversed(versions)),
    )


@dataclass(frozen=True, slots=True)
class _Explainer:
    alert: Alert
    names: Mapping[str, Named]
    triggers: Mapping[str, DefenderAlertTrigger]
    now: Sequence[ActiveTrigger]
    carried: Mapping[tuple[int, str], Carried]

    def version(self, version: AlertVersion, kept: Kept | None) -> VersionWhy:
        """Explain one version."""
        found: list[PlaybookWhy] = []
        if kept is not None:
            letters = zip(kept.members, kept.letters, strict=True)
            found = [self._playbook(version, member, Verdict(letter)) for member, letter in letters]
            there = {member.playbook_id for member in kept.members}
            found += [_not_there(each) for each in self.now if each.playbook_id not in there]
        return VersionWhy(
            version=version.version,
            seen_at=version.seen_at,
            standing=version.standing,
            changes=version.transitions or (),
            differences=version.differences,
            ours=version.ours,
            note=_note(version, kept),
            decided_at=kept.decided_at if kept is not None else None,
            playbooks=tuple(found),
        )

    def _playbook(self, version: AlertVersion, member: ledger.Member, verdict: Verdict) -> PlaybookWhy:
        name = self.names.get(member.version_id)
        trigger = self.triggers.get(member.version_id)
        run = self.carried.get((version.version, member.playbook_id))
        asked = trigger is not None and verdict is not Verdict.OFF
        match = self._match(version, trigger, verdict) if trigger is not None and asked else Match(())
        return PlaybookWhy(
            playbook_id=member.playbook_id,
            playbook=name.name if name is not None else "a playbook that was deleted",
            number=name.number if name is not None else None,
            verdict=verdict.word,
            reason=reason_for(verdict, match, trigger),
            conditions=match.fields,
            run_id=run.run_id if run is not None else None,
            run_status=run.status if run is not None else None,
        )

    def _match(self, version: AlertVersion, trigger: DefenderAlertTrigger, verdict: Verdict) -> Match:
        changes = tuple(Change(each) for each in version.transitions or ())
        # Which services were on then is not kept: whether one of them was the trigger's is what the verdict says.
        services = () if verdict is Verdict.ACCOUNT else (trigger.service or self.alert.account,)
        event = defender.Event(
            version.document,
            changes,
            self.alert.account,
            version.standing,
            original=version.raw,
            services=services,
        )
        return defender.match(trigger, event)


def _not_there(active: ActiveTrigger) -> PlaybookWhy:
    reason = "It did not wait for alerts when this version came: it was published, or changed, later."
    return PlaybookWhy(active.playbook_id, active.name, None, NOT_THERE, reason)


def reason_for(verdict: Verdict, match: Match, trigger: DefenderAlertTrigger | None) -> str:
    """Say a verdict in a sentence; `match` has the conditions that were looked at."""
    if verdict is Verdict.STARTED:
        if trigger is not None and trigger.run_per != "alert":
            return f"Every condition holds; it is the first of its {trigger.run_per} within the window."
        return "Every condition holds."
    if verdict is Verdict.JOINED:
        per, window = (trigger.run_per, str(trigger.window)) if trigger is not None else ("machine", "the window")
        return (
            f"Every condition holds; a run for the same {per} was under way (within {window}), and it joined that one."
        )
    if verdict is Verdict.OFF:
        return "The playbook was paused."
    if verdict is Verdict.OWN:
        return "It holds nothing but what Ringfence itself wrote."
    if verdict is Verdict.AWAITED:
        return (
            "The alert lacks its machine or its evidence, which the playbook needs: it is read again for a while first."
        )
    if verdict is Verdict.LATE:
        return "It is older than what was known when it came."
    said = [each.reason for each in match.fields if each.field == verdict.field and not each.matched]
    # Where this release would decide otherwise, or cannot read the trigger, the recorded condition is still named.
    return said[0] if said else f"The condition `{verdict.field}` did not hold."


def _note(version: AlertVersion, kept: Kept | None) -> str:
    if kept is None:
        if version.transitions is None:
            return "It was stored before verdicts were kept."
        return "The verdicts on it are no longer kept; RINGFENCE_WHY_DAYS says for how long they are."
    if version.standing is Standing.LATE:
        return "It came after a newer version was known, and starts nothing: what it shows no longer stands."
    if version.standing is Standing.OWN:
        fields = " and ".join(version.ours) or "the time of the last update"
        return f"It only shows back what Ringfence itself wrote ({fields}), and starts nothing."
    if not kept.members:
        return "No playbook that waits for alerts was published."
    if set(kept.letters) == {Verdict.OFF.value}:
        return "Every playbook that waits for alerts was paused."
    if version.standing is Standing.MIXED:
        return f"Beside somebody else's change it holds what Ringfence itself wrote ({' and '.join(version.ours)})."
    return ""


def _notes(account: Account, now: Sequence[ActiveTrigger]) -> tuple[str, ...]:
    found = []
    if account.state is AccountState.DISABLED:
        found.append(f"The account {account.name} is switched off: no further version comes until it is switched on.")
    elif not account.usable:
        found.append(f"The account {account.name} cannot be used: {account.state_reason or 'it was not tested yet.'}")
    if not any(not each.paused for each in now):
        found.append("No playbook that waits for alerts is active now.")
    return tuple(found)
