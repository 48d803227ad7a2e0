"""The command line. Each noun is a module that is imported only when its command is called."""

from ringfence.cli.commands import app, main

__all__ = ["app", "main"]
