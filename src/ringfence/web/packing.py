"""Pages are packed (gzip) only where nobody learns from their sizes what is in them (BREACH).

That takes somebody who chooses what a page echoes, again and again, and sees how long each answer is. So a page is packed only
if a browser says that a page of ours or the person asked for it, never what a form answers, which may show a secret once; the
form token is masked anew each time; and a random length goes along.
"""

import gzip
import io
import secrets
from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse

_SMALLEST: Final = 1000
_LEVEL: Final = 5
_LONGEST_FILLING: Final = 100
_OURS: Final = frozenset({"same-origin", "none"})


def pack(request: Request, page: HTMLResponse) -> HTMLResponse:
    """Pack a page where that is safe and the browser can unpack it."""
    page.headers.add_vary_header("Accept-Encoding, Sec-Fetch-Site")
    body = bytes(page.body)
    if len(body) >= _SMALLEST and _may(request):
        page.body = _packed(body)
        page.headers["Content-Encoding"] = "gzip"
        page.headers["Content-Length"] = str(len(page.body))
    return page


def _may(request: Request) -> bool:
    asked = request.headers
    return (
        request.method == "GET"
        and asked.get("sec-fetch-site") in _OURS
        and any(each.strip().startswith("gzip") for each in asked.get("accept-encoding", "").split(","))
    )


def _packed(body: bytes) -> bytes:
    written = io.BytesIO()
    # The name of the file in gzip's head is read by nobody.
    filling = "x" * secrets.randbelow(_LONGEST_FILLING)
    with gzip.GzipFile(filling, "wb", _LEVEL, written, mtime=0) as packed:
        packed.write(body)
    return written.getvalue()
