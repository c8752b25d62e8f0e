"""A backend's options: its dataclass fields, with the line of help under each, read, checked and filled in.

Feeds the command line, the recipe files and the docs, so that an option is described in one place.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
import textwrap
import types
import typing
from collections.abc import Hashable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from unflat.core.errors import RecipeError


@dataclass(frozen=True)
class Option:
    """One option of a backend."""

    name: str
    annotation: Any
    default: Any
    help: str


def options_of(backend: type[Any]) -> tuple[Option, ...]:
    """The options of a backend class, in order."""
    hints = typing.get_type_hints(backend)
    helps = _help_lines(cast(Hashable, backend))
    return tuple(
        Option(field.name, hints[field.name], _default(field), helps.get(field.name, ""))
        for field in dataclasses.fields(backend)
    )


def build(backend: type[Any], settings: dict[str, Any], *, where: str) -> Any:
    """An instance of the backend with these settings (texts are converted). Raises `RecipeError`."""
    known = {option.name: option for option in options_of(backend)}
    values = {}
    for name, value in settings.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise RecipeError(
                f"{where} has no option “{name}”.",
                code="unknown-option",
                hint=(f"Did you mean “{near[0]}”? " if near else "") + f"Options: {', '.join(known) or 'none'}.",
            )
        values[name] = convert(value, known[name].annotation, where=f"{where}.{name}")
    return backend(**values)


def convert(value: Any, annotation: Any, *, where: str) -> Any:
    """The value as the annotated type; texts from a command line are parsed. Raises `RecipeError`."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        if value is None or value == "none":
            return None
        plain = [argument for argument in arguments if argument is not type(None)]
        return convert(value, plain[0] if len(plain) == 1 else str, where=where)
    if origin is typing.Literal:
        return _choice(value, arguments, where)
    if origin is tuple:
        parts = [part for part in value.split(",") if part] if isinstance(value, str) else list(value)
        kind = arguments[0]
        if Ellipsis not in arguments and len(parts) != len(arguments):
            raise _wrong(value, where, f"{len(arguments)} values with commas between")
        return tuple(convert(part, kind, where=where) for part in parts)
    return _scalar(value, annotation, where)


def describe_type(annotation: Any) -> str:
    """The type in words for help pages: ``whole number``, ``one of a, b``."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(describe_type(argument) for argument in arguments)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(argument) for argument in arguments)
    if origin is tuple:
        return f"list of {describe_type(arguments[0])}s"
    return _TYPE_NAMES.get(annotation, str(annotation))


_TYPE_NAMES: dict[Any, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    type(None): "none",
}
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def _scalar(value: Any, kind: Any, where: str) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in _TRUE + _FALSE:
            return str(value).lower() in _TRUE
        raise _wrong(value, where, _TYPE_NAMES[bool])
    if isinstance(value, bool) and kind in (int, float):
        raise _wrong(value, where, _TYPE_NAMES[kind])
    try:
        converted = kind(value)
    except (TypeError, ValueError) as error:
        raise _wrong(value, where, _TYPE_NAMES.get(kind, str(kind))) from error
    if kind is int and isinstance(value, float) and value != converted:
        raise _wrong(value, where, _TYPE_NAMES[int])
    return converted


def _choice(value: Any, choices: tuple[Any, ...], where: str) -> Any:
    for choice in choices:
        if value == choice or str(value) == str(choice):
            return choice
    near = difflib.get_close_matches(str(value), [str(choice) for choice in choices], n=1)
    hint = f" Did you mean “{near[0]}”?" if near else ""
    raise _wrong(value, where, "one of " + ", ".join(map(str, choices)) + "." + hint)


def _wrong(value: Any, where: str, expected: str) -> RecipeError:
    return RecipeError(f"{where} can't be “{value}”.", code="bad-option", hint=f"Give {expected}.")


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    return None if field.default_factory is dataclasses.MISSING else field.default_factory()


@cache
def _help_lines(backend: Hashable) -> dict[str, str]:
    """The text literal under each annotated field."""
    body = ast.parse(textwrap.dedent(inspect.getsource(cast(type[Any], backend)))).body[0]
    assert isinstance(body, ast.ClassDef)
    helps = {}
    for statement, following in zip(body.body, body.body[1:], strict=False):
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            helps[statement.target.id] = " ".join(str(following.value.value).split())
    return helps
