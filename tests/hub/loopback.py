"""Fixtures: a Hub on loopback, and a client that knows no other. Tests name this module in ``pytest_plugins``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants
from server import STRANGER, TOKEN, USER, Hub, serving


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A server with two users."""
    with serving() as hub:
        hub.users = {TOKEN: USER, STRANGER: "stranger"}
        yield hub


@pytest.fixture
def client(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Points ``huggingface_hub`` at the server, logged in, with an empty cache; call it to change some of that."""

    def set_up(
        token: str | None = TOKEN, cache: str = "cache", endpoint: str | None = None, offline: bool = False
    ) -> None:
        at = endpoint or hub.url
        url = f"{at}/{{repo_id}}/resolve/{{revision}}/{{filename}}"
        monkeypatch.setattr(constants, "ENDPOINT", at)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / cache))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
        if token is None:
            monkeypatch.delenv("HF_TOKEN", raising=False)
        else:
            monkeypatch.setenv("HF_TOKEN", token)

    set_up()
    return set_up
