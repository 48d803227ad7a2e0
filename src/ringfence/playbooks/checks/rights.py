"""Whether the account, and the person who publishes, may do what the steps do; also those of components that are called."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example
from ringfence.playbooks.checks.surroundings import named_accounts
from ringfence.playbooks.installation import Installation, KnownAccount, KnownService, Publisher
from ringfence.playbooks.model import DefenderAlertTrigger, Effect
from ringfence.playbooks.problems import Problem
from ringfence.playbooks.triggers import ChangeTrigger

_ISOLATES: Final = "one: {action: containment.contain, with: {machine: abc, reason: Ransomware, auto_release: 24 h}}"


class MissingPermission(Check):
    """An action needs an application role that the connected account was proven not to have."""

    code = "missing-permission"
    example = example(_ISOLATES, trigger="{type: defender.alert, severity: [High], service: contoso}")
    installation = Installation(
        accounts=(KnownAccount("contoso", roles=("Machine.Read.All",)),), services=(KnownService("contoso", "contoso"),)
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        accounts = [each for each in self._accounts(subject) if each.state in ("healthy", "degraded")]
        for name, action in subject.reached:
            for account in accounts:
                lacking = [role for role in action.permissions if _lacks(role, account)]
                if lacking:
                    roles = ", ".join(lacking)
                    message = f"{action.id} needs {roles}, which the account {account.name[:100]!r} does not have."
                    advice = (
                        "Grant it to the application in Entra, give admin consent, then `ringfence account test "
                        f"{account.name[:100]}`."
                    )
                    yield self.problem(subject, message, ("steps", name, "action"), advice=advice)

    def _accounts(self, subject: Subject) -> list[KnownAccount]:
        """Give the accounts with which a run would certainly work."""
        named = [account for account, _ in named_accounts(subject)]
        here = subject.installation
        if named or here is None or subject.playbook.kind == "component":
            return named
        trigger = subject.playbook.trigger
        any_alert = isinstance(trigger, DefenderAlertTrigger) and trigger.service is None and trigger.account is None
        if any_alert or isinstance(trigger, ChangeTrigger) or len(here.accounts) == 1:
            return list(here.accounts)
        return []


class NotAllowed(Check):
    """The person who publishes may not do what the playbook would do for them."""

    code = "not-allowed"
    example = example(_ISOLATES)
    installation = Installation(
        accounts=(KnownAccount("contoso"),),
        publisher=Publisher("megan", may=frozenset(Effect) - {Effect.CONTAIN}, holders={"contain": ("adele",)}),
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        publisher = subject.installation.publisher if subject.installation is not None else None
        if publisher is None:
            return
        if not publisher.may_publish:
            message = f"{publisher.name[:100]} may not publish playbooks."
            advice = _ask(publisher, "publish")
            yield self.problem(subject, message, ("name",), advice=advice)
        said = set()
        for name, action in subject.reached:
            if action.effect in publisher.may or (name, action.id) in said:
                continue
            said.add((name, action.id))
            through = (
                "" if action.id == subject.playbook.steps[name].action else ", through the component that it calls"
            )
            does = "contains hosts or lets them go" if action.effect is Effect.CONTAIN else "changes records"
            message = f"{publisher.name[:100]} may not publish {action.id}, which {does}{through}."
            yield self.problem(subject, message, ("steps", name, "action"), advice=_ask(publisher, action.effect))


def _ask(publisher: Publisher, right: str) -> str:
    holders = ", ".join(publisher.holders.get(right, ()))
    return f"Save it as a draft, and let one of these publish it: {holders}." if holders else "Nobody has this right."


@cache
def _wider(role: str) -> tuple[str, frozenset[str]]:
    """Give the API that a role is for, and the roles that it accepts wherever it accepts this one; none for an unknown role."""
    # With it comes the whole client, which costs an editor that checks at each key too much.
    from ringfence.defender.catalogue import OPERATIONS

    wanting = [each for each in OPERATIONS.values() if role in each.permissions]
    # Defender's own names are also those of others (Machine.Read.All): an action means Defender's where there is one.
    apis = sorted({each.api.value for each in wanting}, key=lambda api: (api != _DEFENDER, api))
    accepted = [set(each.permissions) for each in wanting if each.api.value == apis[0]]
    return (apis[0], frozenset(set.intersection(*accepted))) if accepted else ("", frozenset())


_DEFENDER: Final = "mde"


def _lacks(role: str, account: KnownAccount) -> bool:
    api, wider = _wider(role)
    granted = account.roles if api == _DEFENDER else account.other_roles.get(api, ())
    # Microsoft's pages and Entra spell some roles differently (URL.Read.All, Url.Read.All). Without any role of an API it
    # was not asked about.
    have = {each.casefold() for each in granted}
    return bool(wider) and bool(have) and have.isdisjoint(each.casefold() for each in wider)
