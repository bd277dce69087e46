"""Clients of the simulated Confluences, for their tests."""

from __future__ import annotations

from typing import Any

import requests

from pmo_sync.demo.servers import confluence_cloud, confluence_dc
from pmo_sync.demo.servers.confluence import SPACE_KEY
from pmo_sync.demo.servers.confluence_cloud import ConfluenceCloud
from pmo_sync.demo.servers.confluence_dc import ConfluenceDataCenter


class Cloud:
    """Cloud's few calls, as our account."""

    def __init__(self, server: ConfluenceCloud) -> None:
        self.server = server
        self.auth = (confluence_cloud.USER, confluence_cloud.TOKEN)

    def call(self, method: str, path: str, sent: Any = None, **more: Any) -> requests.Response:
        return requests.request(method, f"{self.server.url}/wiki{path}", json=sent, auth=self.auth, timeout=10, **more)

    def create(self, title: str, body: str = "<p>x</p>", **more: Any) -> requests.Response:
        content = {"spaceId": self.server.space.id, "status": "current", "title": title, **more}
        return self.call("POST", "/api/v2/pages", content | {"body": {"representation": "storage", "value": body}})

    def update(
        self, page_id: str, number: int, body: str = "<p>y</p>", title: str = "Monday", **more: Any
    ) -> requests.Response:
        content = {"id": page_id, "status": "current", "title": title, "version": {"number": number, **more}}
        return self.call(
            "PUT", f"/api/v2/pages/{page_id}", content | {"body": {"representation": "storage", "value": body}}
        )

    def body(self, page_id: str, **params: Any) -> str:
        shown = self.call("GET", f"/api/v2/pages/{page_id}", params={"body-format": "storage", **params}).json()
        value: str = shown["body"]["storage"]["value"]
        return value


class DataCenter:
    """Data Center's few calls, as our account."""

    def __init__(self, server: ConfluenceDataCenter) -> None:
        self.server = server
        self.headers = {"Authorization": f"Bearer {confluence_dc.TOKEN}"}

    def call(self, method: str, path: str, sent: Any = None, **more: Any) -> requests.Response:
        headers = self.headers | more.pop("headers", {})
        url = f"{self.server.url}/rest/api{path}"
        return requests.request(method, url, json=sent, headers=headers, timeout=10, **more)

    def create(self, title: str, body: str = "<p>x</p>", **more: Any) -> requests.Response:
        content = {"type": "page", "title": title, "space": {"key": SPACE_KEY}, **more}
        return self.call(
            "POST", "/content", content | {"body": {"storage": {"value": body, "representation": "storage"}}}
        )

    def update(
        self, page_id: str, number: int, body: str = "<p>y</p>", title: str = "Monday", **more: Any
    ) -> requests.Response:
        content = {"id": page_id, "type": "page", "title": title, "version": {"number": number, **more}}
        stored = {"storage": {"value": body, "representation": "storage"}}
        return self.call("PUT", f"/content/{page_id}", content | {"body": stored})

    def body(self, page_id: str, **params: Any) -> str:
        shown = self.call("GET", f"/content/{page_id}", params={"expand": "body.storage", **params}).json()
        value: str = shown["body"]["storage"]["value"]
        return value
