"""A Jira of the simulated company that is running, and a session that may read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import requests

from pmo_sync.demo.company import Company
from pmo_sync.demo.servers import jira_cloud, jira_dc
from pmo_sync.demo.servers.wire import Server


class Jira(NamedTuple):
    """A running server and a session that may read it."""

    company: Company
    server: Server
    session: requests.Session

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.server.url}{path}", timeout=30, **options)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, **body: Any) -> Any:
        answer = self.call("POST", path, json=body)
        assert answer.status_code in (200, 201), answer.text
        return answer.json()


def run(company: Company, make: Callable[[Company], Server], tracker: Any) -> Iterator[Jira]:
    server = make(company).start()
    company.addresses[tracker] = server.url
    session = requests.Session()
    session.trust_env = False
    if tracker == "cloud":
        session.auth = (jira_cloud.USER, jira_cloud.TOKEN)
    else:
        session.headers["Authorization"] = f"Bearer {jira_dc.TOKEN}"
    yield Jira(company, server, session)
    session.close()
    server.stop()
