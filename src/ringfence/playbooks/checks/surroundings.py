"""Whether what a playbook names is there: accounts, services, webhooks, mailboxes, people, channels."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from ringfence.playbooks.checks.base import Check, Subject, example, texts
from ringfence.playbooks.document import Path
from ringfence.playbooks.installation import Installation, KnownAccount, KnownService
from ringfence.playbooks.model import AnyTrigger, DefenderAlertTrigger
from ringfence.playbooks.problems import Problem, Severity
from ringfence.playbooks.triggers import ChangeTrigger, MailboxTrigger, ManualTrigger, ServiceTrigger, WebhookTrigger

_CONNECT: Final = "connect it first with `ringfence account add`"
_STEP: Final = "one: {action: logic.set, with: {values: {}}}"
_FROM_SERVICE: Final = example(_STEP, trigger="{type: defender.alert, service: contoso}")


class _Named(Check):
    """The trigger names something that is not there."""

    noun: str
    done: str
    how: str

    def missing(self, subject: Subject, field: str, name: str, known: Sequence[str]) -> Iterator[Problem]:
        if name in known:
            return
        near = get_close_matches(name, known, 1)
        listed = f"{self.done.capitalize()} are: {', '.join(known)}."
        advice = f"Did you mean {near[0]!r}? {listed}" if near else listed
        advice = advice if known else f"None is {self.done} yet: {self.how}."
        message = f"No {self.noun} named {name[:100]!r} is {self.done}."
        yield self.problem(subject, message, ("trigger", field), advice=advice)


class UnknownAccount(_Named):
    """The trigger names an account that is not connected."""

    code = "unknown-account"
    example = example(_STEP, trigger="{type: manual, account: contoso}")
    installation = Installation()
    noun, done, how = "account", "connected", _CONNECT

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is not None and trigger.account is not None:
            yield from self.missing(subject, "account", trigger.account, [each.name for each in here.accounts])


class UnknownService(_Named):
    """The trigger names a trigger service that is not there."""

    code = "unknown-service"
    example = _FROM_SERVICE
    installation = Installation()
    noun, done, how = "service", "made", "make it first with `ringfence service add`"

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        wanted = _service(trigger)
        if here is not None and wanted is not None:
            yield from self.missing(subject, "service", wanted, [each.name for each in here.services])


class UnknownWebhook(_Named):
    """The trigger names a webhook that is not there."""

    code = "unknown-webhook"
    example = example(_STEP, trigger="{type: webhook, hook: tickets}")
    installation = Installation()
    noun, done, how = "webhook", "made", "make it first with `ringfence webhook add`"

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is not None and isinstance(trigger, WebhookTrigger):
            yield from self.missing(subject, "hook", trigger.hook, here.webhooks)


class UnknownMailbox(_Named):
    """The trigger names a mailbox that is not connected."""

    code = "unknown-mailbox"
    example = example(_STEP, trigger="{type: mailbox, mailbox: soc}")
    installation = Installation()
    noun, done, how = "mailbox", "connected", "connect it first with `ringfence mailbox add`"

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is not None and isinstance(trigger, MailboxTrigger):
            yield from self.missing(subject, "mailbox", trigger.mailbox, here.mailboxes)


class ServiceOff(Check):
    """The trigger's service is off, so that nothing would start the playbook."""

    code = "service-off"
    example = _FROM_SERVICE
    installation = Installation(
        accounts=(KnownAccount("contoso"),), services=(KnownService("contoso", "contoso", enabled=False),)
    )

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is None:
            return
        for service in here.services:
            if service.name == _service(trigger) and not service.enabled:
                message = f"The service {service.name[:100]!r} is off, so nothing would start this playbook."
                advice = f"Switch it on: `ringfence service resume {service.name[:100]}`."
                yield self.problem(subject, message, ("trigger", "service"), advice=advice)


class WebhookOff(Check):
    """The trigger's webhook is off, so that nothing starts the playbook until it is switched on."""

    code = "webhook-off"
    severity = Severity.WARNING
    example = example(_STEP, trigger="{type: webhook, hook: siem}")
    installation = Installation(webhooks=("siem",), webhooks_off=frozenset({"siem"}))

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is not None and isinstance(trigger, WebhookTrigger) and trigger.hook in here.webhooks_off:
            message = f"The playbook waits for the webhook {trigger.hook[:100]!r}, which is off."
            advice = f"Switch it on: `ringfence webhook enable {trigger.hook[:100]}`."
            yield self.problem(subject, message, ("trigger", "hook"), advice=advice)


class WrongService(Check):
    """The trigger's type does not fit what its service gives: alerts, or events of a package."""

    code = "wrong-service"
    example = example(_STEP, trigger="{type: service, service: contoso}")
    installation = Installation(accounts=(KnownAccount("contoso"),), services=(KnownService("contoso", "contoso"),))

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is None:
            return
        for service in here.services:
            if service.name == _service(trigger) and service.packaged != isinstance(trigger, ServiceTrigger):
                gives, wanted = ("events", "service") if service.packaged else ("alerts", "defender.alert")
                message = f"The service {service.name[:100]!r} gives {gives}, for which this trigger does not wait."
                yield self.problem(subject, message, ("trigger", "type"), advice=f"Write `type: {wanted}`.")


class AppNotInstalled(Check):
    """A step, or the trigger's service, is of an app that is not installed for the organization."""

    code = "app-not-installed"
    example = example(_STEP)
    installation = Installation(uninstalled=frozenset({"logic"}))

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        if here is None or not here.uninstalled:
            return
        for name, action in subject.actions.items():
            app = action.id.partition(".")[0]
            if app in here.uninstalled:
                message = f"The app {app!r}, which {action.id} is of, is not installed for this organization."
                yield self.problem(subject, message, ("steps", name, "action"), advice=_install(app))
        for service in here.services:
            if service.name == _service(trigger) and service.app in here.uninstalled:
                message = f"The app of the service {service.name[:100]!r} is not installed for this organization."
                yield self.problem(subject, message, ("trigger", "service"), advice=_install(service.app))


def _service(trigger: AnyTrigger) -> str | None:
    """Return the service that a trigger names, None where it names none."""
    return trigger.service if isinstance(trigger, DefenderAlertTrigger | ServiceTrigger) else None


def _install(app: str) -> str:
    return f"Ask who runs the server to install it: `ringfence app install {app}`."


class AccountDisabled(Check):
    """The account that the playbook depends on is switched off."""

    code = "account-disabled"
    example = example(_STEP, trigger="{type: manual, account: contoso}")
    installation = Installation(accounts=(KnownAccount("contoso", "disabled"),))

    def find(self, subject: Subject) -> Iterator[Problem]:
        for account, path in named_accounts(subject):
            if account.state == "disabled":
                message = f"The account {account.name[:100]!r} is switched off: nothing is read or done through it."
                advice = f"Switch it on: `ringfence account enable {account.name[:100]}`."
                yield self.problem(subject, message, path, advice=advice)


class AccountNotProven(Check):
    """The account that the playbook depends on does not work at present, or was not proven yet."""

    code = "account-not-proven"
    severity = Severity.WARNING
    example = example(_STEP, trigger="{type: manual, account: contoso}")
    installation = Installation(accounts=(KnownAccount("contoso", "failed", "The secret has expired."),))

    def find(self, subject: Subject) -> Iterator[Problem]:
        for account, path in named_accounts(subject):
            if account.state in ("failed", "pending"):
                said = f" {account.reason}" if account.reason else ""
                message = f"The account {account.name[:100]!r} is not proven to work.{said[:300]}"
                advice = f"Test it: `ringfence account test {account.name[:100]}`."
                yield self.problem(subject, message.rstrip(".") + ".", path, advice=advice)


class NoAccount(Check):
    """A step reaches Defender, and it is not clear with which account."""

    code = "no-account"
    severity = Severity.WARNING
    example = example("one: {action: defender.get_machine, with: {machine: abc}}")
    installation = Installation()

    def find(self, subject: Subject) -> Iterator[Problem]:
        trigger, here = subject.playbook.trigger, subject.installation
        # A run that is about an alert or a host uses its account, and a component that of its caller.
        if here is None or trigger.account is not None or isinstance(trigger, DefenderAlertTrigger | ChangeTrigger):
            return
        if subject.playbook.kind == "component" or (isinstance(trigger, ManualTrigger) and trigger.on):
            return
        if any(action.permissions for action in subject.actions.values()) and len(here.accounts) != 1:
            message = "A step reaches Defender, and it is not clear with which account."
            advice = "Add `account:` to the trigger, or connect exactly one account."
            yield self.problem(subject, message, ("trigger",), advice=advice, of_key=True)


class UnknownPeople(Check):
    """A question is for a person or team that is not there; nobody could answer it."""

    code = "unknown-people"
    severity = Severity.WARNING
    example = example("one: {action: logic.approval, with: {of: tier-2, question: Isolate it?, timeout: 15 min}}")
    installation = Installation(audience=frozenset({"adele"}))

    def find(self, subject: Subject) -> Iterator[Problem]:
        here = subject.installation
        for name, action in subject.actions.items() if here is not None else ():
            if not {"approved", "rejected", "expired"} <= set(action.outcomes):
                continue
            for field in ("of", "escalate_to"):
                for path, who in texts(subject.playbook.steps[name].with_.get(field), ("steps", name, "with", field)):
                    if "${" not in who and here is not None and who not in here.audience:
                        message = f"There is neither a person nor a team named {who[:100]!r}."
                        advice = "Make the team: `ringfence team set NAME PERSON…`; a person is known after the first sign-in."
                        yield self.problem(subject, message, path, advice=advice)


class UnknownChannel(Check):
    """A message is for a channel that is not there."""

    code = "unknown-channel"
    severity = Severity.WARNING
    example = example("one: {action: notify.send, with: {to: soc, text: Look.}}")
    installation = Installation()

    def find(self, subject: Subject) -> Iterator[Problem]:
        here = subject.installation
        for name, step in subject.playbook.steps.items() if here is not None else ():
            if step.action != "notify.send":
                continue
            for path, channel in texts(step.with_.get("to"), ("steps", name, "with", "to")):
                if "${" not in channel and here is not None and channel not in here.channels:
                    near = get_close_matches(channel, here.channels, 1)
                    message = f"There is no channel named {channel[:100]!r}."
                    advice = f"Did you mean {near[0]!r}?" if near else "Add it: `ringfence channel add`."
                    yield self.problem(subject, message, path, advice=advice)


def named_accounts(subject: Subject) -> Iterator[tuple[KnownAccount, Path]]:
    """Give the accounts that the trigger settles on, by name or by its service, with where it says so."""
    trigger, here = subject.playbook.trigger, subject.installation
    if here is None:
        return
    wanted, path = trigger.account, ("trigger", "account")
    if isinstance(trigger, DefenderAlertTrigger) and trigger.service is not None:
        wanted = next((each.account for each in here.services if each.name == trigger.service), None)
        path = ("trigger", "service")
    for account in here.accounts:
        if account.name == wanted:
            yield account, path
