"""Ringfence: contain the right host, once, known to be so, and let it go again."""

__version__ = "0.1.0"
