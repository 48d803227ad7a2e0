"""Static files under addresses that carry their hash."""

import hashlib
from functools import cache
from os import PathLike, stat_result
from pathlib import Path
from typing import Final

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC: Final = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"
_DAY = "public, max-age=86400"


@cache
def _hashes() -> dict[str, str]:
    files = (path for path in sorted(STATIC.rglob("*")) if path.is_file())
    return {path.relative_to(STATIC).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:10] for path in files}


def asset(path: str) -> str:
    """Return the address of a static file, with its hash, so that browsers may keep it for ever."""
    return f"/static/{path}?v={_hashes()[path]}"


class ForeverFiles(StaticFiles):
    """Browsers keep a file for ever where the address names its hash, and ask again where it does not."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Return the file with the caching header that its address allows."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        # Style sheets name the fonts without a hash.
        otherwise = _DAY if str(full_path).endswith(".woff2") else "no-cache"
        response.headers["Cache-Control"] = _FOREVER if b"v=" in scope["query_string"] else otherwise
        return response
