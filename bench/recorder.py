"""A network transport that notes when each request was handed to it and when its whole reply had been read."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass

import httpx

from ringfence import clock


@dataclass(slots=True)
class Exchange:
    """One request; times are seconds since the epoch, `end` is 0 while the reply is awaited."""

    path: str
    begin: float
    end: float = 0.0


class Recorder(httpx.AsyncBaseTransport):
    """The usual transport, watched; `received` counts the bytes of replies."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)
        self.exchanges: list[Exchange] = []
        self.received = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        exchange = Exchange(request.url.path, clock.timestamp())
        self.exchanges.append(exchange)
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Watched(response.stream, exchange, self)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Watched(httpx.AsyncByteStream):
    def __init__(self, stream: httpx.AsyncByteStream, exchange: Exchange, recorder: Recorder) -> None:
        self._stream = stream
        self._exchange = exchange
        self._recorder = recorder

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            self._recorder.received += len(chunk)
            yield chunk

    async def aclose(self) -> None:
        self._exchange.end = clock.timestamp()
        await self._stream.aclose()


def waiting(exchanges: Iterable[Exchange], begin: float, end: float) -> float:
    """Return for how many of the seconds from `begin` to `end` at least one reply was awaited."""
    total, reached = 0.0, begin
    for exchange in sorted(exchanges, key=lambda each: each.begin):
        start, stop = max(exchange.begin, reached), min(exchange.end or end, end)
        if stop > start:
            total += stop - start
            reached = stop
    return total
