"""Strings of unknown origin, made harmless for Markdown that a browser will show."""

from __future__ import annotations

import re

from markupsafe import Markup

_PLAIN = re.compile(r"[^\W_]|[ ,.;%/+-]")
_SIMPLE = re.compile(r"[\w./@:+-][\w ./@:+-]*\Z", re.ASCII)


def plain(value: object) -> Markup:
    """One line of text; whatever Markdown or HTML could read as more than text is written as a character reference."""
    return Markup("".join(c if _PLAIN.match(c) else f"&#{ord(c)};" for c in _one_line(value)))


def code(value: object) -> Markup:
    """A name: in code style if it is made of nothing unusual, else as plain text."""
    text = _one_line(value)
    return Markup(f"`{text}`") if _SIMPLE.match(text) else plain(text)


def fenced(text: str, language: str = "") -> Markup:
    """A block of code, fenced by more backticks than the text has in a row."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{text}\n{fence}")


def _one_line(value: object) -> str:
    # Control characters and halves of surrogate pairs go, and what turns the direction of writing.
    return " ".join("".join(c if c.isprintable() else " " for c in str(value)).split())
