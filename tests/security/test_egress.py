import http.client
import socket
import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ringfence.errors import Misconfigured
from ringfence.security.egress import Refused, guarded, networks, open_to


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fd00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "localhost",
        "",
    ],
)
def test_what_is_not_public_is_closed(address: str) -> None:
    assert not open_to(address, ())


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_what_is_public_is_open(address: str) -> None:
    assert open_to(address, ())


def test_named_networks_are_open_and_what_is_none_is_refused() -> None:
    allowed = networks("10.1.0.0/16, fd00::/8 127.0.0.1")
    assert open_to("10.1.2.3", allowed)
    assert open_to("::ffff:10.1.2.3", allowed)
    assert open_to("fd00::9", allowed)
    assert not open_to("10.2.0.1", allowed)
    assert networks("") == ()
    with pytest.raises(Misconfigured, match="intranet"):
        networks("intranet")


class _Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def test_the_connection_itself_is_refused_whatever_name_led_to_it() -> None:
    with HTTPServer(("127.0.0.1", 0), _Answer) as server:
        port = server.server_address[1]
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(Refused, match="not a public address"), guarded(()):
                socket.create_connection((host, port), timeout=5)
        with pytest.raises(Refused, match="Connecting to 127"), guarded(()), suppress(OSError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        with guarded(networks("127.0.0.1")):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/")
            assert connection.getresponse().status == 204
            connection.close()
        thread.join(5)


def test_sockets_of_this_machine_are_closed_too_and_nobody_else_is_guarded() -> None:
    with socket.socket(socket.AF_UNIX) as one, pytest.raises(Refused, match="local socket"), guarded(()):
        one.connect("/nonexistent")
    with socket.socket(socket.AF_UNIX) as one, pytest.raises(OSError, match="No such file"):
        one.connect("/nonexistent")
