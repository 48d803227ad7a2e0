import ssl
import stat
from pathlib import Path

import pytest
from cryptography import x509

from ringfence.simulator import Authority, AuthorityError


def _handshake(server: ssl.SSLContext, client: ssl.SSLContext, host: str) -> dict[str, object]:
    """Let both sides talk through memory, and return the certificate that the client accepted."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=host)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    done: set[ssl.SSLObject] = set()
    while len(done) < 2:
        for side in (near, far):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
    return dict(near.getpeercert() or {})


def test_a_client_that_trusts_the_authority_accepts_each_of_microsofts_hosts(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "ca")
    server = authority.server_context()
    client = ssl.create_default_context(cafile=str(authority.certificate_path))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    for host in ("login.microsoftonline.com", "eu.api.security.microsoft.com", "graph.microsoft.us", "127.0.0.1"):
        assert host in str(_handshake(server, client, host)["subjectAltName"])


def test_a_client_that_does_not_trust_it_refuses(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(authority.server_context(), ssl.create_default_context(), "graph.microsoft.com")


def test_no_certificate_is_shown_for_other_hosts(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    client = ssl.create_default_context(cafile=str(authority.certificate_path))
    with pytest.raises(ssl.SSLError):
        _handshake(authority.server_context(), client, "contoso.com")


def test_the_key_is_for_its_owner_alone_and_nothing_else_stays_behind(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "ca"
    Authority(folder).server_context()
    assert sorted(path.name for path in folder.iterdir()) == ["ca.key", "ca.pem"]
    assert stat.S_IMODE((folder / "ca.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_authority_is_confined_to_the_hosts_it_stands_in_for(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(Authority(tmp_path).certificate_path.read_bytes())
    confined = certificate.extensions.get_extension_for_class(x509.NameConstraints)
    names = [str(name.value) for name in confined.value.permitted_subtrees or ()]
    assert confined.critical
    assert "graph.microsoft.com" in names
    assert "microsoft.com" not in names
    basics = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basics.ca, basics.path_length) == (True, 0)


def test_the_same_folder_gives_the_same_authority(tmp_path: Path) -> None:
    first = Authority(tmp_path).certificate_path.read_bytes()
    assert Authority(tmp_path).certificate_path.read_bytes() == first
    (tmp_path / "ca.pem").unlink()
    assert Authority(tmp_path).certificate_path.read_bytes() != first


def test_files_that_do_not_fit_say_what_to_do(tmp_path: Path) -> None:
    Authority(tmp_path / "one")
    Authority(tmp_path / "two")
    (tmp_path / "one" / "ca.key").write_bytes((tmp_path / "two" / "ca.key").read_bytes())
    with pytest.raises(AuthorityError, match=r"does not belong.*Remove ca\.pem and ca\.key"):
        Authority(tmp_path / "one")
    (tmp_path / "two" / "ca.key").write_text("no key")
    with pytest.raises(AuthorityError, match="--ca-dir"):
        Authority(tmp_path / "two")
    (tmp_path / "file").write_text("")
    with pytest.raises(AuthorityError):
        Authority(tmp_path / "file")
