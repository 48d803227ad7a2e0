"""PostgreSQL on another machine: it is spoken to by TLS that proves who answers, unless the address says another mode.

libpq by itself would take TLS where it is offered and go on without where it is not. What holds here is what stands in the
address; `PGSSLMODE` counts for nothing.
"""

import ipaddress
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from ringfence.errors import Unavailable

PROVEN: Final = "verify-full"
"""The mode in which the certificate is checked, and that it is for the host's name."""

ADVICE: Final = (
    f"PostgreSQL on another machine must speak TLS, with a certificate for the name in the address (sslmode={PROVEN}). "
    "Give it one (ssl = on, ssl_cert_file, ssl_key_file); add ?sslrootcert=FILE to RINGFENCE_DATABASE_URL where the authority "
    "is your own. "
    "Only where the way there is protected by other means, write a weaker mode out: ?sslmode=disable."
)


def is_elsewhere(url: sa.URL, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether an address leads to PostgreSQL on another machine: neither a socket of this one nor its loopback.

    An entry of a service file may lead anywhere.
    """
    if url.get_backend_name() != "postgresql":
        return False
    if url.query.get("service") or environment.get("PGSERVICE"):
        return True
    named = [each for each in (url.host, *_texts(url.query.get("host")), *_texts(url.query.get("hostaddr"))) if each]
    usual = [*environment.get("PGHOST", "").split(","), *environment.get("PGHOSTADDR", "").split(",")]
    return any(each and not _is_here(each) for each in named or usual)


def protected(url: sa.URL, environment: Mapping[str, str] = os.environ) -> sa.URL:
    """Return the address with the mode and the authorities that hold where it names none itself."""
    if not is_elsewhere(url, environment):
        return url
    if "sslmode" not in url.query:
        url = url.update_query_dict({"sslmode": PROVEN})
    named = "sslrootcert" in url.query or "PGSSLROOTCERT" in environment
    if mode(url) == PROVEN and not named and not (Path.home() / ".postgresql" / "root.crt").exists():
        # libpq's own `system` is where it was compiled, which is on no machine but the maker's.
        url = url.update_query_dict({"sslrootcert": ssl.get_default_verify_paths().cafile or "system"})
    return url


def mode(url: sa.URL) -> str:
    """Return the sslmode that an address names; nothing where it names none."""
    return next(iter(_texts(url.query.get("sslmode"))), "")


def weakness(url: sa.URL, environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the mode that was written out though it does not prove who answers; None where all is well."""
    return mode(url) if is_elsewhere(url, environment) and mode(url) != PROVEN else None


def unreachable(url: sa.URL, error: OperationalError) -> Unavailable:
    """Return what to say where PostgreSQL does not let us in: what it said, and what it must be if it is elsewhere."""
    said = str(error.orig).splitlines() or [""]
    return Unavailable(
        f"The database cannot be reached: {said[0]}",
        advice="Check RINGFENCE_DATABASE_URL, and that PostgreSQL runs and lets this user in."
        + (f" {ADVICE}" if is_elsewhere(url) else ""),
    )


@contextmanager
def reaching(url: sa.URL) -> Iterator[None]:
    """Tell of a PostgreSQL that cannot be reached as `unreachable` does; what SQLite raises goes through."""
    try:
        yield
    except OperationalError as error:
        if url.get_backend_name() != "postgresql":
            raise
        raise unreachable(url, error) from error


def _texts(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return () if value is None else tuple(value.split(",")) if isinstance(value, str) else value


def _is_here(host: str) -> bool:
    # A host may carry its port in the query, as libpq has it not, but SQLAlchemy does.
    name = host.rpartition(":")[0] if host.count(":") == 1 else host
    if name == "localhost" or name.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
