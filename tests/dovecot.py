"""A real mail server on a loopback port: Dovecot, where it is installed."""

import contextlib
import getpass
import grp
import ipaddress
import os
import pwd
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import imapclient
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ringfence import clock
from ringfence.listeners.mailboxes import Afterwards, NewMailbox, Tls

PASSWORD: Final = "s3cret-of-the-mailbox"
PROGRAM: Final = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin:/usr/local/sbin")

_CONFIGURATION = """\
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/dovecot.log
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
auth_mechanisms = plain
mail_location = maildir:{folder}/mail/%u
mail_uid = {internal}
mail_gid = {group}
first_valid_uid = 0
first_valid_gid = 0
passdb {{
  driver = static
  args = password={{PLAIN}}{password}
}}
userdb {{
  driver = static
  args = uid={internal} gid={group} home={folder}/home
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    address = 127.0.0.1
    port = {starttls}
  }}
  inet_listener imaps {{
    address = 127.0.0.1
    port = {implicit}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """A running server, and one of its users."""

    folder: Path
    implicit: int
    starttls: int
    ca: str
    user: str = "soc@contoso.com"

    def mailbox(self, **values: Any) -> NewMailbox:
        """Describe the user's mailbox."""
        given: dict[str, Any] = {
            "name": "abuse",
            "host": "127.0.0.1",
            "port": self.implicit,
            "tls": Tls.IMPLICIT,
            "username": self.user,
            "password": PASSWORD,
            "ca": self.ca,
            "afterwards": Afterwards.SEEN,
        }
        return NewMailbox(**given | values)

    @contextmanager
    def person(self) -> Iterator[Any]:
        """Be somebody else at the same mailbox."""
        context = ssl.create_default_context(cadata=self.ca)
        client = imapclient.IMAPClient("127.0.0.1", self.implicit, ssl_context=context, timeout=10)
        client.login(self.user, PASSWORD)
        client.select_folder("INBOX")
        try:
            yield client
        finally:
            client.logout()

    def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        """Put a mail into a folder."""
        with self.person() as client:
            client.append(folder, raw)

    def flags(self, folder: str = "INBOX") -> list[set[bytes]]:
        """Return the flags of each mail in a folder."""
        with self.person() as client:
            client.select_folder(folder, readonly=True)
            return [set(each[b"FLAGS"]) for each in client.fetch(client.search(), ["FLAGS"]).values()]


@pytest.fixture(scope="session")
def dovecot_server() -> Iterator[Dovecot]:
    """Run Dovecot for the test session, where it is installed."""
    if PROGRAM is None:
        pytest.skip("Dovecot is not installed (Debian: dovecot-imapd), and mailboxes are tested against nothing less")
    with running() as server:
        yield server


@pytest.fixture
def dovecot(dovecot_server: Dovecot) -> Dovecot:
    """Give the server with a user who has no mail yet."""
    return replace(dovecot_server, user=f"{clock.new_id()}@contoso.com")


@contextmanager
def running() -> Iterator[Dovecot]:
    """Run a server in a folder of its own, which is short of name and open to the users that it runs as."""
    assert PROGRAM is not None
    folder = tempfile.TemporaryDirectory(prefix="dovecot-", ignore_cleanup_errors=True)
    with folder as made, _running(PROGRAM, Path(made)) as server:
        yield server


@contextmanager
def _running(program: str, folder: Path) -> Iterator[Dovecot]:
    implicit, starttls = _free_port(), _free_port()
    ca = certificate(folder)
    # Started by root, it insists on other users; started by anybody else, it can be nobody else.
    internal, login = ("dovecot", "dovenull") if os.geteuid() == 0 else (getpass.getuser(), getpass.getuser())
    group = grp.getgrgid(pwd.getpwnam(internal).pw_gid).gr_name
    names = {"folder": folder, "internal": internal, "login": login, "group": group, "password": PASSWORD}
    if os.geteuid() == 0:
        folder.chmod(0o755)
        for name in ("mail", "home"):
            (folder / name).mkdir()
            shutil.chown(folder / name, internal, group)
    file = folder / "dovecot.conf"
    file.write_text(_CONFIGURATION.format(implicit=implicit, starttls=starttls, **names))
    process = subprocess.Popen([program, "-F", "-c", str(file)])
    try:
        _until_it_listens(process, implicit, folder)
        yield Dovecot(folder, implicit, starttls, ca)
    finally:
        process.terminate()
        process.wait(10)


def _until_it_listens(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    log = folder / "dovecot.log"
    raise RuntimeError(log.read_text() if log.exists() else "Dovecot did not start.")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def certificate(folder: Path) -> str:
    """Write a server's certificate and key for 127.0.0.1 into a folder, and return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.contoso.com")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=36500))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    (folder / "server.pem").write_text(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.key").write_bytes(private)
    return pem
