"""The certificate with which the pages are served, where no proxy does that; read again when its file has changed."""

import asyncio
import ssl
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509

from ringfence import logs
from ringfence.errors import Misconfigured
from ringfence.settings import Settings

INTERVAL: Final = 60.0
_log = logs.get(__name__)


class Certificate:
    """A chain and its key, in a TLS context whose new connections use what was read last."""

    def __init__(self, chain: Path, key: Path | None = None) -> None:
        self._chain, self._key = chain, key
        self.context = _loaded(chain, key)
        self._seen = self._stamp()

    def refresh(self) -> bool:
        """Read the files again if they have changed, and say whether they were; what cannot be used is left alone."""
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            # Tried apart first: half of a pair in the context that is in use would end all new connections.
            _loaded(self._chain, self._key)
            self.context.load_cert_chain(self._chain, self._key, password="")
        except (Misconfigured, OSError, ssl.SSLError) as error:
            _log.error("the new certificate cannot be used; the one before stays", error=str(error))
            return False
        _log.info("the certificate was read again", until=str(expires_at(self._chain)))
        return True

    async def follow(self) -> None:
        """Look for a new certificate every minute, until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL)
            await asyncio.to_thread(self.refresh)

    def _stamp(self) -> tuple[tuple[int, int], ...] | None:
        try:
            found = [path.stat() for path in (self._chain, self._key) if path is not None]
        except OSError:
            return None
        return tuple((each.st_ino, each.st_mtime_ns) for each in found)


def of(settings: Settings) -> Certificate | None:
    """Return the certificate that the settings name, None if they name none; Misconfigured if it cannot be used."""
    if settings.tls_certificate is None:
        if settings.tls_key is not None:
            raise Misconfigured(
                "There is a key for TLS, but no certificate.", advice="Set RINGFENCE_TLS_CERTIFICATE too."
            )
        return None
    return Certificate(settings.tls_certificate, settings.tls_key)


def expires_at(chain: Path) -> datetime:
    """Return when the first certificate of a file expires; Misconfigured if there is none."""
    try:
        return x509.load_pem_x509_certificates(chain.read_bytes())[0].not_valid_after_utc
    except (OSError, ValueError) as error:
        raise Misconfigured(
            f"There is no certificate in {chain}.", advice="Give the chain in PEM, the server's own certificate first."
        ) from error


def _loaded(chain: Path, key: Path | None) -> ssl.SSLContext:
    expires_at(chain)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        # An empty password: nobody is asked for one on a terminal.
        context.load_cert_chain(chain, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            f"The certificate {chain} and its key cannot be used: {type(error).__name__}.",
            advice="Give the chain and the key that belongs to it, in PEM and without a password.",
        ) from error
    return context
