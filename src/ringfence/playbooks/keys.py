"""Which keys a place of a document may have, read off the model."""

from collections.abc import Iterator
from types import UnionType
from typing import Any, Final, Union, get_args, get_origin

from pydantic import BaseModel

from ringfence.playbooks.yamltree import Node

_UNIONS: Final = (Union, UnionType)


def known(kind: Any, path: tuple[str | int, ...], node: Node | None = None) -> list[str]:
    """List the keys that the mapping at a path may have; none where the language leaves them to the author.

    `kind` is the model, or what is annotated with it, of the value at `node`, below which the path goes.
    """
    model = _below(kind, path, node)
    return [info.alias or name for name, info in model.model_fields.items()] if model else []


def _model(model: type[BaseModel], path: tuple[str | int, ...], node: Node | None) -> type[BaseModel] | None:
    if not path:
        return model
    key, *rest = path
    found = next((info for name, info in model.model_fields.items() if key in (info.alias, name)), None)
    if found is None:
        return None
    return _below(found.annotation, tuple(rest), node.items.get(str(key)) if node else None)


def _below(annotation: Any, path: tuple[str | int, ...], node: Node | None) -> type[BaseModel] | None:
    """Follow a path into what an annotation allows; of several models the one whose `type` the text names."""
    models = [each for each in _choices(annotation) if isinstance(each, type) and issubclass(each, BaseModel)]
    if models:
        given = node.items.get("type") if node else None
        named = [each for each in models if given is not None and given.value in _types(each)]
        return _model((named or models)[0], path, node)
    for each in _choices(annotation):
        origin, inside = get_origin(each), get_args(each)
        if path and inside and origin in (dict, tuple, list):
            key, *rest = path
            return _below(inside[1 if origin is dict else 0], tuple(rest), node.items.get(key) if node else None)
    return None


def _choices(annotation: Any) -> Iterator[Any]:
    if hasattr(annotation, "__metadata__"):
        annotation = annotation.__origin__
    if get_origin(annotation) in _UNIONS:
        for each in get_args(annotation):
            yield from _choices(each)
    else:
        yield annotation


def _types(model: type[BaseModel]) -> tuple[Any, ...]:
    return get_args(model.model_fields["type"].annotation) if "type" in model.model_fields else ()
