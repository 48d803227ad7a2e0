"""The JSON API, below /api/v1: one module per noun, one shape for lists, one shape for errors."""

from ringfence.api.application import create_api

__all__ = ["create_api"]
