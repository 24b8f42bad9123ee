"""Pages to look at: self-contained HTML, no requests to anywhere, readable on a phone and on paper; and cards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_PAGES = Environment(
    loader=PackageLoader("conflict_events.reports"),
    autoescape=True,  # texts come from anywhere
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(template: str, **values: Any) -> str:
    """A template of ``reports/templates``, filled."""
    return _PAGES.get_template(template).render(**values)


def write_page(path: Path, template: str, **values: Any) -> None:
    """Fill a template and write the page; its folder is made if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(render_page(template, **values).encode())
