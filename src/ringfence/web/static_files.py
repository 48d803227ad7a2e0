"""Static files under addresses that carry their hash."""

from os import PathLike, stat_result

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

_FOREVER = "public, max-age=31536000, immutable"
_DAY = "public, max-age=86400"


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
