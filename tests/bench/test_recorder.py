import http.server
import threading
from collections.abc import Iterator

import httpx
import pytest

from bench.recorder import Exchange, Recorder, waiting


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        return


@pytest.fixture
def origin() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


async def test_requests_are_noted_with_their_times_and_sizes(origin: str) -> None:
    recorder = Recorder()
    async with httpx.AsyncClient(transport=recorder) as client:
        assert (await client.get(f"{origin}/one")).text == "hello"
        assert (await client.get(f"{origin}/two")).text == "hello"
    assert [each.path for each in recorder.exchanges] == ["/one", "/two"]
    assert all(0 < each.begin <= each.end for each in recorder.exchanges)
    assert recorder.received == 10


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], 0.0),
        ([(1.0, 2.0)], 1.0),
        ([(1.0, 3.0), (2.0, 4.0)], 3.0),
        ([(1.0, 4.0), (2.0, 3.0)], 3.0),
        ([(5.0, 7.0), (1.0, 2.0)], 3.0),
        ([(-5.0, 1.0), (9.0, 20.0)], 2.0),
        ([(9.0, 0.0)], 1.0),
        ([(11.0, 12.0)], 0.0),
    ],
)
def test_time_in_which_several_replies_are_awaited_is_counted_once(
    spans: list[tuple[float, float]], expected: float
) -> None:
    assert waiting([Exchange("/", begin, end) for begin, end in spans], 0.0, 10.0) == expected
