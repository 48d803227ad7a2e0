"""An HTTP proxy that leads to the simulator whatever is meant for Microsoft's hosts, and refuses everything else.

A client asks it for a tunnel (CONNECT) and speaks TLS through it with the simulator's TLS port; nothing ever leaves
this machine.
"""

import asyncio
import contextlib
import socket

from ringfence.simulator import hosts

_LONGEST_HEAD = 16_384
_PATIENCE_SECONDS = 30.0
_CHUNK = 65_536


class Proxy:
    """Tunnel to the TLS port of the simulator at a loopback address."""

    def __init__(self, address: str, tls_port: int) -> None:
        self._address = address
        self._tls_port = tls_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        try:
            await self._serve(reader, writer)
        except (OSError, asyncio.CancelledError, asyncio.LimitOverrunError):
            writer.transport.abort()
        finally:
            writer.close()
            if task is not None:
                self._tasks.discard(task)

    async def close(self) -> None:
        """End all tunnels."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _PATIENCE_SECONDS)
        except asyncio.LimitOverrunError:
            await _answer(writer, "431 Request Header Fields Too Large", "The request's headers are too long.")
            return
        except (asyncio.IncompleteReadError, TimeoutError):
            return
        refusal = refuse(head)
        if refusal is not None:
            await _answer(writer, *refusal)
            return
        far_reader, far_writer = await asyncio.open_connection(self._address, self._tls_port)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            far_writer.close()


def refuse(head: bytes) -> tuple[str, str] | None:
    """Return status and text for a request that is no tunnel to a host that the simulator stands in for, else None."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        return "400 Bad Request", "This is no HTTP/1.1 request."
    method, target, _ = words
    if method != "CONNECT":
        return (
            "403 Forbidden",
            "This proxy of a Ringfence simulator only opens tunnels (CONNECT) for https addresses of Microsoft's hosts.",
        )
    host, _, port = target.rpartition(":")
    if not hosts.stands_in_for(host) or port != "443":
        return (
            "403 Forbidden",
            f"This proxy leads to a Ringfence simulator and does not know {target[:255]}. It stands in for Microsoft's "
            "login, Defender and Graph hosts on port 443. For other hosts set NO_PROXY, or do not use this proxy.",
        )
    return None


async def _answer(writer: asyncio.StreamWriter, status: str, text: str) -> None:
    body = f"{text}\n".encode()
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode("latin-1") + body)
    await writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Copy one direction to its end, and pass the end on."""
    with contextlib.suppress(ConnectionError):
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    with contextlib.suppress(OSError, RuntimeError):
        writer.write_eof()


async def start(address: str, tls_port: int, listener: socket.socket) -> tuple[Proxy, asyncio.Server]:
    """Serve a proxy on a socket that listens."""
    proxy = Proxy(address, tls_port)
    return proxy, await asyncio.start_server(proxy, sock=listener, limit=_LONGEST_HEAD)
