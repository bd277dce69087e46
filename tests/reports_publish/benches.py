"""The places under test: each with hands that do what people and servers do to it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

from pmo_sync.clients import confluence as confluence_client
from pmo_sync.clients.gitlab import GitlabClient
from pmo_sync.clients.jira import JiraClient
from pmo_sync.clock import FixedClock
from pmo_sync.config import Flavour, Secret, ServerConfig
from pmo_sync.demo.company import Company, Item, TrackedProject, Worker
from pmo_sync.demo.servers import confluence as store
from pmo_sync.demo.servers import confluence_cloud, confluence_dc, gitlab, jira_cloud, jira_dc
from pmo_sync.demo.servers.gitlab_wiki import WikiPage
from pmo_sync.demo.servers.jira_site import Comment
from pmo_sync.http.network import Network
from reports.naming import file_name
from reports.publish import Publisher
from reports.publishers import folder
from reports.publishers.confluence import ConfluencePublisher
from reports.publishers.folder import FolderPublisher
from reports.publishers.gitlab_note import GitlabNotePublisher
from reports.publishers.gitlab_wiki import GitlabWikiPublisher
from reports.publishers.jira_comment import JiraCommentPublisher
from tests.contract.publisher import SLOT, Bench

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MARK = re.compile(r"\n*<!-- pmo-sync:.*? -->\n?")


class StillClock(FixedClock):
    """Sleeping takes no time but moves the stopwatch."""

    def __init__(self) -> None:
        super().__init__(NOW)
        self.slept = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.slept

    def sleep(self, seconds: float) -> None:
        self.slept += seconds


def company() -> Company:
    """One GitLab issue and one worker: enough to carry a note."""
    start = NOW - timedelta(days=30)
    item = Item(1, "gitlab", "group/app", 1, start, "Report", "", {"status": "opened"})
    project = TrackedProject(1, "gitlab", "group/app", "App", {}, estimates=False, character="steady", created_at=start)
    return Company(1, date(2026, 1, 5), NOW, [project], [item], [], [], [Worker("w1", "ann", "Ann")], {})


def jira_company(tracker: Any) -> Company:
    """One Jira issue, PAY-1."""
    made = company()
    initial = {"status": "To Do", "kind": "Task", "priority": "Medium", "reporter": "w1"}
    made.items[0] = Item(1, tracker, "PAY", 1, NOW, "Report", "", initial)
    made.projects[0].tracker, made.projects[0].key = tracker, "PAY"
    made.projects[0].statuses = {"To Do": "todo"}
    return made


def server_config(url: str, flavour: Flavour | None, user: str | None, token: str) -> ServerConfig:
    secret = Secret("env", "TOKEN", {"TOKEN": token})
    return ServerConfig(
        url, url, flavour, user, secret, proxy=None, ca_bundle=None, client_cert=None, workers=1,
        requests_per_second=1000.0,
    )  # fmt: skip


class FolderBench(Bench):
    """A folder of the file system."""

    def __init__(self, root: Path, monkeypatch: Any) -> None:
        self.root = root / "published"
        self._writes = 0
        replace = folder.replace_file

        def counted(file: Path, content: bytes) -> None:
            self._writes += 1
            replace(file, content)

        monkeypatch.setattr(folder, "replace_file", counted)
        self.attachments_in_place = lambda: {file.name: file.read_bytes() for file in self.root.glob("*/*.png")}

    def open(self) -> Publisher:
        return FolderPublisher("share", self.root)

    def ours(self) -> dict[str, str]:
        files = self.root.glob("*/index.html")
        return {file.parent.name: file.read_text() for file in files if (file.parent / "pmo-sync.json").exists()}

    def _change(self, document: str, change: Callable[[str], str]) -> None:
        file = self.root / document / "index.html"
        file.write_bytes(change(file.read_bytes().decode()).encode())

    edit = _change

    def touch(self, document: str) -> None:
        """As another run of ours does that finds its index lost."""
        file = self.root / document / "pmo-sync.json"
        entry = json.loads(file.read_text())
        file.write_text(json.dumps(entry | {"version": entry["version"] + 1}))

    def unmark(self, document: str) -> None:
        self._change(document, lambda text: MARK.sub("", text))

    def rewrite(self, document: str) -> None:
        self._change(document, lambda text: "".join(f"{line} \n" for line in text.splitlines()))

    def delete(self, document: str) -> None:
        shutil.rmtree(self.root / document)

    def plant(self, slot: str, title: str) -> Callable[[], str]:
        file = self.root / file_name(slot) / "index.html"
        file.parent.mkdir(parents=True)
        file.write_text("<p>Somebody else's.</p>")
        return file.read_text

    def writes(self) -> int:
        return self._writes

    def text(self, words: str) -> str:
        return f"<h1>Report</h1>\n<p>{escape(words)}</p>"


class ConfluenceBench(Bench):
    """Confluence's loopback servers over HTTP. ``url`` may be a proxy's."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.server: Any = confluence_cloud.make(company()) if flavour == "cloud" else confluence_dc.make(company())
        self.server.start()
        self.url = self.server.url
        self.parent: str | None = self.server.space.parent
        self.attachments_in_place = lambda: {
            name: one.data for page in self.server.space.all() for name, one in page.attachments.items()
        }

    def client(self) -> confluence_client.ConfluenceClient:
        if self.flavour == "cloud":
            config = server_config(f"{self.url}/wiki", "cloud", confluence_cloud.USER, confluence_cloud.TOKEN)
        else:
            config = server_config(self.url, "data-center", None, confluence_dc.TOKEN)
        return confluence_client.connect(config, Network(StillClock()))

    def open(self) -> Publisher:
        return ConfluencePublisher("wiki", self.client(), StillClock(), space="PMO", parent=self.parent)

    def ours(self) -> dict[str, str]:
        pages = self.server.space.all("current")
        return {page.id: page.last.body for page in pages if page.versions[0].author == store.BOT}

    def edit(self, document: str, change: Callable[[str], str]) -> None:
        self.server.edit_as_human(document, change)

    def touch(self, document: str) -> None:
        self.server.edit_as_human(document, lambda text: text)

    def unmark(self, document: str) -> None:
        macro = re.compile(r"<ac:structured-macro[^>]*ac:name=\"details\".*?</ac:structured-macro>")
        self.server.edit_as_human(document, lambda text: macro.sub("", text))

    def rewrite(self, document: str) -> None:
        """As Confluence does when it migrates a page: no new version."""
        page = self.server.page(document)
        body = (
            page.last.body.replace("<td>", "<td><p>")
            .replace("</td>", "</p></td>")
            .replace("<table", '<table data-layout="default"')
        )
        page.versions[-1] = page.last._replace(body=re.sub('ac:macro-id="[^"]*"', 'ac:macro-id="0"', body))

    def delete(self, document: str) -> None:
        self.server.trash(document)

    def plant(self, slot: str, title: str) -> Callable[[], str]:
        page = self.server.add_as_human(title, "<p>Somebody else's.</p>", self.parent)
        return lambda: self.server.page(page).last.body

    def writes(self) -> int:
        return len(self.server.writes())

    def text(self, words: str) -> str:
        return f"<h1>Report</h1><p>{escape(words, quote=False)}</p>"


class GitlabBench(Bench):
    """GitLab's loopback server over HTTP."""

    def __init__(self) -> None:
        self.server = gitlab.GitLab(company())
        self.server.start()
        self.url = self.server.url

    def open(self) -> Publisher:
        config = server_config(self.url, None, None, gitlab.PUBLISHER_TOKEN)
        return GitlabNotePublisher(
            "notes",
            GitlabClient(config, Network(StillClock())),
            url=self.url,
            issues={SLOT: "group/app#1"},
        )

    def ours(self) -> dict[str, str]:
        return {str(note.id): note.body for note in self.server.notes.all() if note.author[0] == 12}

    def edit(self, document: str, change: Callable[[str], str]) -> None:
        self.server.notes.edit_as_human(int(document), change)

    def touch(self, document: str) -> None:
        self.edit(document, lambda text: text)

    def unmark(self, document: str) -> None:
        self.edit(document, lambda text: MARK.sub("", text))

    def rewrite(self, document: str) -> None:
        self.edit(document, lambda text: "".join(f"{line} \r\n" for line in text.splitlines()))

    def delete(self, document: str) -> None:
        del self.server.notes._note_of[int(document)]

    def plant(self, slot: str, title: str) -> Callable[[], str]:
        """A note of somebody else with our own mark in it."""
        body = f"Copied.\n\n<sub>pmo-sync `{slot}`</sub>\n\n<!-- pmo-sync:{slot} {'0' * 20} {'0' * 20} -->"
        note = self.server.notes.comment_as_human("group/app#1", body)
        return lambda: note.body

    def writes(self) -> int:
        return len(self.server.writes())

    def text(self, words: str) -> str:
        safe = re.sub(r"([\\`*_{}\[\]<>@&~])", r"\\\1", words)
        return f"**Report**\n\n{safe}"


class GitlabWikiBench(Bench):
    """The wiki of a project on GitLab's loopback server, over HTTP."""

    def __init__(self) -> None:
        self.server = gitlab.GitLab(company())
        self.server.start()
        self.url = self.server.url
        self.attachments_in_place = lambda: {
            re.sub(r"-[0-9a-f]{20}(?=\.)", "", path.rpartition("/")[2]): data
            for path, data in self.server.wikis.files.items()
            if path in self._texts()
        }
        self._planted: set[str] = set()

    @property
    def pages(self) -> dict[str, WikiPage]:
        return self.server.wikis.of("group/app")

    def _texts(self) -> str:
        return "".join(page.content for page in self.pages.values())

    def open(self) -> Publisher:
        config = server_config(self.url, None, None, gitlab.PUBLISHER_TOKEN)
        client = GitlabClient(config, Network(StillClock()))
        return GitlabWikiPublisher("wiki", client, url=self.url, wiki="projects/group/app", folder="pmo")

    def ours(self) -> dict[str, str]:
        return {slug: page.content for slug, page in self.pages.items() if slug not in self._planted}

    def edit(self, document: str, change: Callable[[str], str]) -> None:
        page = self.pages[document]
        page.content = change(page.content)

    def touch(self, document: str) -> None:
        """Somebody renames it."""
        page = self.pages.pop(document)
        page.slug, page.title = "elsewhere/renamed", "elsewhere/renamed"
        self.pages[page.slug] = page

    def unmark(self, document: str) -> None:
        self.edit(document, lambda text: MARK.sub("", text))

    def rewrite(self, document: str) -> None:
        self.edit(document, lambda text: "".join(f"{line} \r\n" for line in text.splitlines()))

    def delete(self, document: str) -> None:
        del self.pages[document]

    def plant(self, slot: str, title: str) -> Callable[[], str]:
        page = WikiPage(f"pmo/{title.replace(' ', '-')}", f"pmo/{title}", "Somebody else's.")
        self.pages[page.slug] = page
        self._planted.add(page.slug)
        return lambda: page.content

    def writes(self) -> int:
        return len(self.server.writes())

    def text(self, words: str) -> str:
        safe = re.sub(r"([\\`*_{}\[\]<>@&~])", r"\\\1", words)
        return f"# Report\n\n{safe}\n\n![Burn-up](burn-up.png)"


class JiraBench(Bench):
    """Jira's loopback servers over HTTP. ``url`` may be a proxy's."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.company = jira_company("cloud" if flavour == "cloud" else "dc")
        self.server: Any = (jira_cloud if flavour == "cloud" else jira_dc).make(self.company)
        self.server.start()
        self.url = self.server.url

    def open(self) -> JiraCommentPublisher:
        if self.flavour == "cloud":
            config = server_config(self.url, "cloud", jira_cloud.USER, jira_cloud.TOKEN)
        else:
            config = server_config(self.url, "data-center", None, jira_dc.TOKEN)
        client = JiraClient(config, Network(StillClock()))
        return JiraCommentPublisher("jira", client, url=self.url, issues={SLOT: "PAY-1"})

    def comments(self) -> list[Comment]:
        return [one for comments in self.server.desk.site.comments.values() for one in comments]

    def comment(self, document: str) -> Comment:
        self.company.now += timedelta(seconds=1)  # Jira's only version is the time
        return next(one for one in self.comments() if str(one.id) == document)

    def ours(self) -> dict[str, str]:
        account = self.server.desk.site.account
        return {str(one.id): one.body for one in self.comments() if one.author == account}

    def edit(self, document: str, change: Callable[[str], str]) -> None:
        self.server.desk.edit_as_human(self.comment(document), change)

    def touch(self, document: str) -> None:
        comment = self.comment(document)
        comment.updated_at = self.company.now

    def unmark(self, document: str) -> None:
        self.edit(document, lambda text: re.sub(r"\{color:#\w+\}pmo-sync.*?\{color\}", "", text))

    def rewrite(self, document: str) -> None:
        """As Cloud does on its way through its own document format."""
        comment = self.comment(document)
        text = comment.body.replace("\n", "\r\n").replace("{color:#6b778c}", "{color:#97a0af}")
        comment.body = text.replace("h3. ", "h3.  ")

    def delete(self, document: str) -> None:
        for comments in self.server.desk.site.comments.values():
            comments[:] = [one for one in comments if str(one.id) != document]

    def plant(self, slot: str, title: str) -> Callable[[], str]:
        """A comment of somebody else with our own footer in it."""
        body = f"Copied.\n\n{{color:#6b778c}}pmo-sync {slot} {'0' * 20}{{color}}"
        comment = self.server.desk.comment_as_human("PAY-1", body)
        return lambda: comment.body

    def writes(self) -> int:
        return len(self.server.writes())

    def text(self, words: str) -> str:
        return "h3. Report\n\n" + re.sub(r"([\\{}\[\]*_|!])", r"\\\1", words)
