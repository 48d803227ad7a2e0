"""What should not be typed into a document that is kept for ever: secrets, and addresses that may not be reached."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from ringfence.playbooks.checks.base import Check, Subject, example, texts
from ringfence.playbooks.document import Path
from ringfence.playbooks.installation import Installation
from ringfence.playbooks.problems import Problem, Severity
from ringfence.security.egress import open_to, written

_SECRETS: Final = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----"),
    "a token (JWT)": re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\."),
    "a client secret of Entra": re.compile(
        r"(?<![A-Za-z0-9_~.-])[A-Za-z0-9_~.-]{3}8Q~[A-Za-z0-9_~.-]{31,34}(?![A-Za-z0-9_~-])"
    ),
    "an access key of AWS": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a token of GitHub": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b"),
    "a token of Slack": re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    "an address that is a secret itself": re.compile(
        r"https://(?:hooks\.slack\.com/services/T|[a-z0-9-]+\.webhook\.office\.com/webhookb2/|discord\.com/api/webhooks/\d)"
    ),
    "credentials": re.compile(r"\b(?:Bearer|Basic) [A-Za-z0-9+/=_.~-]{20,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+.-]{1,15}://[^\s/:@]{1,100}:[^\s/@$]{3,200}@"),
}
_TELLING: Final = re.compile(
    r"(?:^|[_-])(?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|credential|authorization)$", re.I
)
_ADVICE: Final = (
    "Versions are kept for ever and shown to all who read playbooks: take it out, and renew it where it came from."
)
_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>`]{1,2000}", re.I)


class SecretInDocument(Check):
    """A secret is typed into the document."""

    code = "secret-in-document"
    example = example("one: {action: logic.set, with: {values: {say: 'Bearer abcdefghijklmnopqrstuvwxyz0123456789'}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for path, text in _everything(subject):
            for what, form in _SECRETS.items():
                if form.search(text):
                    yield self.problem(subject, f"This holds {what}.", path, advice=_ADVICE)
                    break


class PerhapsSecret(Check):
    """A field with a telling name has a literal value, which may be a secret."""

    code = "perhaps-secret"
    severity = Severity.WARNING
    example = example("one: {action: logic.set, with: {values: {api_key: hunter2}}}")

    def find(self, subject: Subject) -> Iterator[Problem]:
        for path, text in _everything(subject):
            known = any(form.search(text) for form in _SECRETS.values())
            if _TELLING.search(str(path[-1])) and text.strip() and "${" not in text and not known:
                message = f"{str(path[-1])[:60]!r} has a value that is typed in, which may be a secret."
                yield self.problem(subject, message, path, advice="Use an account for it: secrets belong there.")


class PrivateAddress(Check):
    """A step names an address inside the installation's own network, which requests and mails may not reach."""

    code = "private-address"
    example = example("one: {action: logic.set, with: {values: {url: 'http://169.254.169.254/latest'}}}")
    installation = Installation()

    def find(self, subject: Subject) -> Iterator[Problem]:
        allowed = subject.installation.allowed if subject.installation is not None else None
        if allowed is None:
            return
        found = [(path, _host(each)) for path, text in _everything(subject) for each in _ADDRESS.findall(text)]
        found += [(path, written(host)) for path, host in _recipients(subject)]
        for path, host in found:
            if host is not None and not open_to(host, allowed):
                message = f"{host} is not a public address, so nothing may connect to it."
                advice = "If it is meant, ask who runs the server to name it in RINGFENCE_EGRESS_PRIVATE."
                yield self.problem(subject, message, path, advice=advice)


def _everything(subject: Subject) -> Iterator[tuple[Path, str]]:
    yield ("description",), subject.playbook.description
    for name, step in subject.playbook.steps.items():
        yield from texts(step.with_, ("steps", name, "with"))
        if step.note:
            yield ("steps", name, "note"), step.note


def _host(address: str) -> str | None:
    """Return the IP address that an address leads to, as far as it says so itself."""
    try:
        return written(urlsplit(address).hostname or "")
    except ValueError:
        return None


def _recipients(subject: Subject) -> Iterator[tuple[Path, str]]:
    """Give the addresses to which mails would go, as far as they are written down."""
    for name, step in subject.playbook.steps.items():
        if step.action.startswith("mail."):
            for path, text in texts(step.with_.get("to", ""), ("steps", name, "with", "to")):
                for each in re.split(r"[,;\s]+", text):
                    _, at, host = each.rpartition("@")
                    if at and "${" not in host:
                        yield path, host.rstrip(">")
