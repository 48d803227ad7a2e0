"""Ask for what an application proves itself with: a client secret, or a certificate."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ringfence.accounts import certificates
from ringfence.accounts.certificates import Certificate, PasswordNeeded
from ringfence.accounts.model import Account
from ringfence.accounts.proof import Check, Report
from ringfence.cli.invocation import Invocation
from ringfence.cli.terminal import say, styled
from ringfence.cli.visible import visible
from ringfence.errors import Invalid

SECRET_VARIABLE: Final = "RINGFENCE_ACCOUNT_SECRET"
_MOST_SECRET: Final = 10_000

SecretFile = Annotated[
    str | None,
    typer.Option(help=f"File with the client secret, - for stdin; else {SECRET_VARIABLE}, else it is asked for."),
]
CertificateFile = Annotated[
    str | None, typer.Option(help="File with a certificate instead of a secret: PEM, or PFX together with its key.")
]
KeyFile = Annotated[
    str | None, typer.Option(help="File with the certificate's private key (PEM), if it is not in the same file.")
]
PasswordStdin = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password that protects the key, or the PFX file, from stdin.")
]


def credential(
    called: Invocation, secret_file: str | None, certificate: str | None, key: str | None, *, password_stdin: bool
) -> str | Certificate:
    """Return the secret or the certificate that the options name, asking for what is missing; Invalid if it cannot be had.

    Neither a secret nor a password is ever an argument: those end up in the shell's history and in the list of processes.
    """
    if certificate is None:
        if key is not None or password_stdin:
            raise Invalid(
                "A key or its password is of no use without its certificate.", advice="Give --certificate FILE as well."
            )
        return _secret(called, secret_file)
    if secret_file is not None:
        raise Invalid("Both a secret and a certificate were given.", advice="Give --secret-file or --certificate.")
    file, key_file = _bytes(certificate), None if key is None else _bytes(key)
    password = sys.stdin.readline(_MOST_SECRET).rstrip("\r\n") if password_stdin else ""
    try:
        return certificates.read(file, key_file, password)
    except PasswordNeeded:
        asked = None if password_stdin else called.outside.ask_secret("Password of the certificate's key (not shown)")
        if asked is None:
            raise
        return certificates.read(file, key_file, asked)


def _bytes(path: str) -> bytes:
    try:
        with Path(path).open("rb") as opened:
            return opened.read(certificates.LARGEST + 1)
    except OSError as error:
        raise Invalid(
            f"The file {path} cannot be read: {error.strerror}.", advice="Name a PEM or a PFX file."
        ) from error


def _secret(called: Invocation, file: str | None) -> str:
    if file == "-":
        return sys.stdin.read(_MOST_SECRET).strip()
    if file is not None:
        try:
            with Path(file).open(encoding="utf-8") as opened:
                return opened.read(_MOST_SECRET).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Invalid(
                f"The secret cannot be read from {file}: {getattr(error, 'strerror', None) or 'it is not text'}.",
                advice="Name a file that holds the client secret's value and nothing else.",
            ) from error
    from_environment = os.environ.get(SECRET_VARIABLE)
    if from_environment is not None:
        return from_environment
    asked = called.outside.ask_secret("Client secret (its value, not its id; it is not shown)")
    if asked is None:
        raise Invalid(
            "There is no client secret, and nobody to ask for it.",
            advice=f"Give --secret-file FILE, --secret-file - for stdin, or set {SECRET_VARIABLE}.",
        )
    return asked


def credential_words(account: Account) -> str:
    """Say what an account signs in by."""
    return f"certificate {account.certificate_thumbprint}" if account.certificate_thumbprint else "secret"


def print_checks(report: Report) -> None:
    """Print what a test of an account found, with what to do."""
    for check in report.checks:
        say(_line(check))
        if check.advice and (not check.ok or check.warns):
            say(f"        {check.advice}")


def _line(check: Check) -> Any:
    word = "warn" if check.warns else "ok" if check.ok else "FAILED"
    return styled(word).append(f"{'':{8 - len(word)}}{visible(check.sentence)}", "none")
