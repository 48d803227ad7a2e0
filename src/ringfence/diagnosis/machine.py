"""This machine and the settings: files and who may read them, disk, addresses, TLS, backups."""

import ipaddress
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509

from ringfence import clock
from ringfence.diagnosis.model import Finding, failure, ok, warning
from ringfence.errors import Misconfigured
from ringfence.security import masters
from ringfence.settings import Settings
from ringfence.storage import backup

_MEGABYTE: Final = 1_048_576
_LOW: Final = 1024 * _MEGABYTE
_EMPTY: Final = 100 * _MEGABYTE
_BACKUP_DAYS: Final = 2
_TLS_DAYS: Final = 21


def files(settings: Settings) -> Iterator[Finding]:
    """Look at who may read the data folder and the keys."""
    folder = settings.data
    if not folder.is_dir():
        yield failure("data folder", f"There is no folder {folder}.", "Make it, or set RINGFENCE_DATA to another.")
        return
    if not os.access(folder, os.W_OK):
        yield failure("data folder", f"{folder} cannot be written to.", "Let the user that Ringfence runs as own it.")
    mode = folder.stat().st_mode & 0o777
    if mode & 0o007:
        yield warning(
            "data folder", f"Every user of this machine can look into {folder} (mode {mode:o}).", f"chmod 700 {folder}"
        )
    else:
        yield ok("data folder", f"{folder} is closed to other users.")
    keys = {"audit key": folder / "audit.key", "TLS key": settings.tls_key or settings.tls_certificate}
    for name, path in keys.items():
        if path is None or not path.exists():
            continue
        mode = path.stat().st_mode & 0o777
        if mode & 0o007:
            yield failure(
                name, f"Every user can read {path} (mode {mode:o}).", f"chmod 600 {path}, and replace the key."
            )
        else:
            yield ok(name, f"{path} is closed to other users.")


def disk(settings: Settings, *, free: int | None = None) -> Iterator[Finding]:
    """Look at the space that is left where the data is."""
    left = shutil.disk_usage(settings.data).free if free is None else free
    said = f"{left // _MEGABYTE} MB are free in {settings.data}."
    advice = "Make room, or let runs and proofs be kept for a shorter time (docs/settings.md)."
    if left < _EMPTY:
        yield failure("disk", said, advice)
    elif left < _LOW:
        yield warning("disk", said, advice)
    else:
        yield ok("disk", said)


def backups(settings: Settings) -> Iterator[Finding]:
    """Look at how old the newest backup is."""
    found = backup.newest(settings.data)
    how = "ringfence db backup FOLDER" if settings.sqlite else "pg_dump, then `ringfence db backup --noted`"
    if found is None:
        yield warning("backup", "No backup is known of.", f"Take one every day: {how}. Keep the keys apart from it.")
        return
    at, where = found
    hours = (clock.now() - at) / timedelta(hours=1)
    said = f"The newest backup was taken {hours:.0f} hours ago: {where}."
    if hours > _BACKUP_DAYS * 24:
        yield warning("backup", said, f"Take one every day: {how}.")
    else:
        yield ok("backup", said)


def address(settings: Settings) -> Iterator[Finding]:
    """Look at how people reach the pages, and whether what they send can be read on the way."""
    public = urlsplit(settings.public_url or "")
    tls = settings.tls_certificate is not None or public.scheme == "https"
    if settings.public_url is None and not _is_here(settings.host):
        yield warning(
            "address",
            f"The pages listen on {settings.host}, and nothing says under which address people reach them.",
            "Set RINGFENCE_PUBLIC_URL: links in notifications and the check of forms depend on it.",
        )
    else:
        yield ok("address", f"People reach the pages at {settings.origin}.")
    if public.scheme == "https" and settings.tls_certificate is None and not settings.trusted_proxies.strip():
        yield warning(
            "proxy",
            "A proxy serves TLS, and no proxy is trusted: everybody seems to come from its address.",
            "Name it in RINGFENCE_TRUSTED_PROXIES, so that limits and the audit log know who comes.",
        )
    if tls or _is_here(settings.host):
        yield from _certificate(settings.tls_certificate)
    else:
        yield failure(
            "TLS",
            "The pages are served without TLS beyond this machine: passwords and sessions can be read on the way.",
            "Set RINGFENCE_TLS_CERTIFICATE, or put a proxy with TLS in front and set RINGFENCE_PUBLIC_URL to https://….",
        )


def _certificate(path: Path | None) -> Iterator[Finding]:
    if path is None:
        return
    try:
        until = x509.load_pem_x509_certificates(path.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError):
        yield failure("TLS", f"There is no certificate in {path}.", "Give the chain in PEM, our own certificate first.")
        return
    days = (until - clock.now()) / timedelta(days=1)
    if days < 0:
        yield failure("TLS", f"The certificate {path} has expired.", "Renew it; a running server reads it by itself.")
    elif days < _TLS_DAYS:
        yield warning("TLS", f"The certificate {path} expires in {days:.0f} days.", "Renew it.")
    else:
        yield ok("TLS", f"The certificate is good for {days:.0f} days.")


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def key_source(settings: Settings) -> Iterator[Finding]:
    """Look at whether the master key can be read, and by whom."""
    try:
        found = masters.Masters(masters.of(settings))
    except Misconfigured as error:
        yield failure("master key", error.message, error.advice)
        return
    yield ok("master key", f"{len(found.ids)} from {found.source.words}; {found.newest} wraps.")
