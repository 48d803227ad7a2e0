"""Structured logs on stderr; redaction lives here only.

Every line carries what `bind` was given (organization, account, run, step). Values under a key that names a secret, bearer
tokens and JSON Web Tokens are replaced before any renderer sees them.
"""

import logging
import re
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
_SECRET_KEY = re.compile(r"secret|password|token|authorization|assertion|cookie|api_?key|private", re.IGNORECASE)
_SECRET_VALUE = re.compile(r"(?i)(bearer\s+)[\w.~+/-]+=*|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")


def redact(value: Any, key: str = "") -> Any:
    """Return `value` with whatever looks like a secret replaced, to any depth."""
    if key and _SECRET_KEY.search(key) and not isinstance(value, bool | int | float | type(None)):
        return REDACTED
    if isinstance(value, str):
        return _SECRET_VALUE.sub(lambda found: (found.group(1) or "") + REDACTED, value)
    if isinstance(value, Mapping):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


def _redaction(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {key: redact(value, key) for key, value in event.items()}


def configure(level: str = "info", form: str = "text") -> None:
    """Send all logs, the libraries' too, to stderr in one form (`text` or `json`)."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.UnicodeDecoder(),
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if form == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    final: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        final.append(structlog.processors.format_exc_info)
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*final, _redaction, renderer])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("httpx", "httpcore", "msal", "dbos", "uvicorn.access", "alembic", "asyncio", "tzlocal"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        # A cached logger would keep what it was first bound to, deaf to any later `configure`.
        cache_logger_on_first_use=False,
    )


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of a module (`logs.get(__name__)`)."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bind(**values: str) -> AbstractContextManager[None]:
    """Put `values` (organization, account, run, step) on every line logged inside the block."""
    return structlog.contextvars.bound_contextvars(**values)
