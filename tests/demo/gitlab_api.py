"""A client of the simulated GitLab, for its tests."""

from __future__ import annotations

from typing import Any

import requests

from pmo_sync.demo.servers import gitlab

PROJECT = "/projects/71"


class Api:
    """A client with one token."""

    def __init__(self, server: gitlab.GitLab, token: str) -> None:
        self.base = f"{server.url}/api/v4"
        self.headers = {"PRIVATE-TOKEN": token}

    def get(self, path: str, **params: Any) -> requests.Response:
        return requests.get(self.base + path, params=params, headers=self.headers, timeout=10)

    def rows(self, path: str, **params: Any) -> Any:
        response = self.get(path, **params)
        assert response.status_code == 200, response.text
        return response.json()

    def send(self, method: str, path: str, sent: Any = None) -> requests.Response:
        return requests.request(method, self.base + path, json=sent, headers=self.headers, timeout=10)
