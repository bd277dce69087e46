"""`check`, read as a new user would: what is right is said, and each wrong set-up says all that is needed to mend it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import connectors
from pmo_sync.cli import run_in_process
from pmo_sync.demo.servers import confluence_cloud, confluence_dc, gitlab, jira_cloud, jira_dc
from pmo_sync.demo.servers.wire import Answer, Server
from pmo_sync.errors import TrackerError
from pmo_sync.http.network import Network
from pmo_sync.model import Catalogue, Census, FieldChoice, Identity, Problem, Project, Status
from pmo_sync.pipeline.examine import examine
from tests.clocks import LeapingClock
from tests.e2e.office import Office, office
from tests.named import named

Undo = Callable[[], None]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("company")) as made:
        yield made


@dataclass
class Desk:
    """One set-up about to go wrong."""

    office: Office
    patch: pytest.MonkeyPatch
    tokens: dict[str, str]
    folder: Path
    after: timedelta = timedelta()  # how much later than the company's present our own clock is

    def say(self, *changes: tuple[str, str]) -> None:
        self.office.configure(*changes)

    def serve(self, name: str, answer: Callable[[Any], Answer | None]) -> None:
        """Let a server answer otherwise; None leaves it as it is."""
        server = self.office.running.servers[name]
        route = server._route
        self.patch.setattr(server, "_route", lambda request: answer(request) or route(request))

    def url(self, name: str) -> str:
        return self.office.running.urls[name]


def run(desk: Desk, capsys: Any, *arguments: str) -> tuple[int, str]:
    clock = LeapingClock(desk.office.running.company.now + desk.after)
    capsys.readouterr()
    code = run_in_process(["check", *arguments, "--config", str(desk.office.file)], clock, desk.tokens)
    return code, capsys.readouterr().out


@pytest.fixture
def desk(company: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    made = Desk(Office(company.running, tmp_path / "pmo"), monkeypatch, dict(company.running.tokens), tmp_path)
    made.office.folder.mkdir()
    made.office.configure()
    return made


# -- what is right


def test_a_good_set_up(desk: Desk, capsys) -> None:
    """One block for each source and place; a status without a category is worth a look, and no failure."""
    before = {name: len(server.writes()) for name, server in desk.office.running.servers.items()}
    code, out = run(desk, capsys)
    assert code == 0
    assert " wrong " not in out
    for expected in (
        "source cloud: jira at http://127.0.0.1:",
        "  ok     Jira Cloud lets us in as 712020:",
        "  ok     3 projects readable, 238 issues",
        "PAY      121 issues  Payments Platform",
        "  ok     GitLab 18.2.8-ee lets us in as pmo-reader, token with read_api",
        "  ok     token valid until 2027-06-04 (200 days)",
        "  ok     its clock and ours agree",
        "first pull: about ",
        "  note   not pulled yet",
        "place confluence: confluence at http://127.0.0.1:",
        "pages can be added; below 'Reports'",
        "comments can be added and edited",
        "notes can be added",
        "  ok     the PMO works 5 days a week; 13 days off in a year, the next on 2026-12-24",
        "  ok     team core works 5 days a week; 15 days off in a year, the next on 2026-12-24",
        "nothing wrong, 1 to look at; next: pmo-sync sync --dry-run",
    ):
        assert expected in out, expected
    assert {name: len(server.writes()) for name, server in desk.office.running.servers.items()} == before
    assert [file.name for file in desk.office.folder.iterdir()] == ["pmo-sync.toml"]


def test_json_has_everything(desk: Desk, capsys) -> None:
    data = desk.office.answer(capsys, "check")
    sources = {one["name"]: one for one in data["sources"]}
    assert {one["key"]: one["issues"] for one in sources["cloud"]["projects"]} == {"PAY": 121, "KYC": 112, "AUD": 5}
    assert sources["gitlab"]["scopes"] == ["read_api"]
    assert sources["gitlab"]["token_expires_on"] == "2027-06-04"
    assert sources["gitlab"]["first_pull"]["requests"] >= 216 / 100
    assert sources["dc"]["unmapped"] == ["Menunggu Vendor"]
    assert sources["cloud"]["milestones"] == {"version": 13, "sprint": 21}
    assert sources["cloud"]["clock_skew_seconds"] == 0
    assert {one["name"] for one in data["places"]} == {"confluence", "confluence-dc", "jira-note", "gitlab-note"}
    assert all(one["ok"] for one in (*data["sources"], *data["places"], data["local"]))


def test_a_calendar_without_a_day_off_is_told(desk: Desk, capsys) -> None:
    text = desk.office.file.read_text(encoding="utf-8")
    free = next(line for line in text.splitlines() if line.startswith("free_days") and "cuti bersama" in line)
    desk.say(('country = "ID"\n', ""), (free, ""))
    code, out = run(desk, capsys)
    assert code == 0
    assert "  note   the PMO works 5 days a week and no day off is known: holidays would read as slow work\n" in out
    assert 'say country = "ID" or the like in [pmo]' in out


def test_the_last_certificate_is_told(desk: Desk, capsys) -> None:
    assert desk.office.run("pull", "--quiet") == 0
    code, out = run(desk, capsys)
    assert code == 0
    assert out.count("its last pull, 2026-11-16 ") == 3
    assert "UTC, was complete" in out
    assert "its token was valid until" not in out


def test_a_server_that_lets_us_in_no_more_said_until_when_it_would(desk: Desk, capsys) -> None:
    assert desk.office.run("pull", "--quiet") == 0
    desk.tokens["DEMO_GITLAB_READ_TOKEN"] = desk.tokens["DEMO_JIRA_DC_TOKEN"] = "nonsense"
    _, out = run(desk, capsys)
    assert out.count("note   its token was valid until 2027-06-04, unless it was replaced since") == 1


# -- what is wrong


def _token(name: str, value: str | None) -> Callable[[Desk], None]:
    def prepare(desk: Desk) -> None:
        if value is None:
            del desk.tokens[name]
            desk.patch.delenv(name, raising=False)
        else:
            desk.tokens[name] = value

    return prepare


def _config(*changes: tuple[str, str]) -> Callable[[Desk], None]:
    return lambda desk: desk.say(*changes)


def _scope(token: str, scope: str) -> Callable[[Desk], None]:
    return lambda desk: desk.patch.setitem(gitlab.TOKENS, token, (*gitlab.TOKENS[token][:3], scope))


def _web_page(desk: Desk) -> None:
    page = b"<!doctype html><title>Intranet</title>"
    desk.serve("dc", lambda _: Answer(200, page, {"Content-Type": "text/html"}))


def _dead(desk: Desk) -> None:
    server = Server("dead", [], lambda _: None).start()
    url = server.url
    server.stop()
    desk.say((desk.url("dc"), url))


def _two_fields(desk: Desk) -> None:
    kind = {"type": "number", "custom": "com.atlassian.jira.plugin.system.customfieldtypes:float"}
    desk.patch.setattr(jira_dc, "_FIELDS", (*jira_dc._FIELDS, ("customfield_10099", "Story points", kind)))


def _late(desk: Desk) -> None:
    desk.after = timedelta(minutes=10)


def _expiring(days: int) -> Callable[[Desk], None]:
    """Our clock and the server's are the same, later."""

    def prepare(desk: Desk) -> None:
        desk.after = timedelta(days=200 - days)
        ends = (desk.office.running.company.now + timedelta(days=200)).date().isoformat()
        told = Answer(200, {"scopes": ["api"], "expires_at": ends})
        desk.serve("gitlab", lambda request: told if request.path.endswith("/personal_access_tokens/self") else None)

    return prepare


def _no_search(desk: Desk) -> None:
    desk.serve("dc", lambda request: Answer(403, {}) if request.path.endswith("/search") else None)


def _no_count(desk: Desk) -> None:
    desk.serve("cloud", lambda request: Answer(401, {}) if request.path.endswith("/approximate-count") else None)


def _no_comments(desk: Desk) -> None:
    def answer(request: Any) -> Answer | None:
        if not request.path.endswith("/mypermissions"):
            return None
        held = {name: {"havePermission": name == "EDIT_OWN_COMMENTS"} for name in ("ADD_COMMENTS", "EDIT_OWN_COMMENTS")}
        return Answer(200, {"permissions": held})

    desk.serve("cloud", answer)


def _folder_below_a_file(desk: Desk) -> None:
    (desk.folder / "pmo" / "share").write_text("a file", encoding="utf-8")
    text = desk.office.file.read_text(encoding="utf-8")
    desk.office.file.write_text(text + '\n[place.share]\nkind = "folder"\npath = "share/reports"\n', encoding="utf-8")


def _reader(place: str) -> Callable[[Desk], None]:
    def prepare(desk: Desk) -> None:
        if place == "confluence":
            desk.say((f'"{confluence_cloud.USER}"', f'"{confluence_cloud.READER_USER}"'))
            desk.tokens["DEMO_CONFLUENCE_TOKEN"] = confluence_cloud.READER_TOKEN
        else:
            desk.tokens["DEMO_CONFLUENCE_DC_TOKEN"] = confluence_dc.READER_TOKEN

    return prepare


def _no_projects(desk: Desk) -> None:
    desk.say(('projects = ["DWH", "ERP"]\n', ""))
    desk.serve("dc", lambda request: Answer(200, []) if request.path.endswith("/project") else None)


WRONG: dict[str, tuple[Callable[[Desk], None], int, tuple[str, ...]]] = {
    "wrong token": (
        _token("DEMO_JIRA_DC_TOKEN", "nonsense"), 4,
        ("source dc: ", "401: the token is wrong or has expired; set a new one",
         'the token used is token of [source.dc]: env = "DEMO_JIRA_DC_TOKEN"'),
    ),
    "a scoped Cloud token at the site's address": (
        _token("DEMO_JIRA_CLOUD_TOKEN", "scoped"), 4,
        ("source cloud: ", "a scoped Cloud token also needs api_base = https://api.atlassian.com/ex/jira/CLOUD-ID",
         f'token of [source.cloud]: env = "DEMO_JIRA_CLOUD_TOKEN" for user "{jira_cloud.USER}"'),
    ),
    "an account that may not search": (
        _no_search, 4,
        ("source dc: ", "lets us in as pmo-robot", "/rest/api/2/search: 403: this account may read no issues here",
         "nothing more of dc could be looked at"),
    ),
    "an account whose issues nobody counts": (
        _no_count, 4,
        (": issues cannot be counted: POST http://", "/search/approximate-count: 401: the token is wrong", "1 wrong, "),
    ),
    "no token in the environment": (
        _token("DEMO_GITLAB_READ_TOKEN", None), 4,
        ("source gitlab: ", "secret env = 'DEMO_GITLAB_READ_TOKEN': empty or not set",
         "[source.gitlab] refers to it; set it where pmo-sync runs"),
    ),
    "a token about to expire": (
        _expiring(5), 0,
        ("warn   token: valid until 2027-06-04, 5 days: very soon", "make a new one with the same rights at http://",
         'env = "DEMO_GITLAB_READ_TOKEN"'),
    ),
    "a token that ends within the month": (_expiring(20), 0, ("2027-06-04, 20 days: this month",)),
    "an expired token": (_expiring(-2), 4, ("wrong  token: it has expired on 2027-06-04", "make a new one")),
    "no token at all": (
        _config(('token = { env = "DEMO_JIRA_DC_TOKEN" }\n', "")), 4,
        ("source dc: ", "[source.dc] has no token, so the server takes us for anybody", 'say token = { env = "NAME" }'),
    ),
    "the address of a web page": (
        _web_page, 4, ("source dc: ", "a web page came instead of data", "check url and token"),
    ),
    "a server that is off": (
        _dead, 4, ("source dc: ", "Connection refused", "is the address right?", "url of [source.dc] is",
                   'proxy = "http://HOST:PORT"', "nothing more of dc could be looked at"),
    ),
    "an unknown project": (
        _config(('projects = ["DWH", "ERP"]', 'projects = ["DWH", "ERPX"]')), 4,
        ("wrong  ERPX: this project is not there, or not for this account",
         "it is named in projects of [source.dc]: correct it there, or take it out",
         "does it open at http://", "ask its administrator to let the account in",
         'names project "ERP", which this source does not read', "readable are DWH; correct the scope"),
    ),
    "no project at all": (
        _no_projects, 4,
        ("wrong  no project can be read", "give the account pmo-robot the right to see projects"),
    ),
    "two fields for one meaning": (
        _two_fields, 4,
        ("could be estimate", "[source.dc.fields]", 'estimate = "customfield_10002"', "customfield_10099"),
    ),
    "a status without a category": (
        _config(), 0,
        ("warn   1 status has no category", "[source.dc.statuses]", '"Menunggu Vendor" = "doing"',
         "(todo, doing, done or canceled)"),
    ),
    "a GitLab token that may not read": (
        _scope(gitlab.READER_TOKEN, "read_user"), 4,
        ("source gitlab: ", "the token has the scopes read_user; make one with read_api"),
    ),
    "a GitLab token that may not write": (
        _scope(gitlab.PUBLISHER_TOKEN, "read_api"), 4,
        ("place gitlab-note: ", "the token has read_api and may not write; make one with the scope api for user 12",
         "token of [place.gitlab-note]"),
    ),
    "a Confluence space that is not there": (
        _config(('kind = "confluence"\nspace = "PMO"', 'kind = "confluence"\nspace = "NOPE"')), 4,
        ("place confluence: ", "no space 'NOPE' for this account; correct space of this place"),
    ),
    "a Confluence Cloud account that may only read": (
        _reader("confluence"), 4, ("place confluence: ", "may read space PMO but not add pages to it", "Pages: Add"),
    ),
    "a Confluence Data Center account that may only read": (
        _reader("confluence-dc"), 4, ("place confluence-dc: ", "may read space PMO but not add pages to it", "Pages: Add"),
    ),
    "a carrier issue that is not there": (
        lambda desk: desk.say(*[(key, "PAY-99999") for key in [_carrier(desk, "jira-note")]]), 4,
        ("place jira-note: ", "the carrier issue PAY-99999 of", "correct it in issues of [place.jira-note]"),
    ),
    "no right to comment": (
        _no_comments, 4,
        ("place jira-note: ", "lacks ADD_COMMENTS there", "role of the project's permission scheme"),
    ),
    "clocks ten minutes apart": (
        _late, 0,
        ("warn   its clock is 10 minutes behind ours: it says 2026-11-16 ", "set this machine's clock by a time server"),
    ),
    "a place below a file": (
        _folder_below_a_file, 4,
        ("place share: ", "is a file, not a folder; choose another path for [place.share]"),
    ),
    "a state folder below a file": (
        lambda desk: (desk.say(("[pmo]\n", '[pmo]\nstate_dir = "pmo-sync.toml/state"\n')), None)[1], 4,
        ("this machine", "wrong  state_dir ", "is a file, not a folder", "name another folder as state_dir of [pmo]"),
    ),
}  # fmt: skip


def _carrier(desk: Desk, place: str) -> str:
    return next(iter(named(place, desk.office.config.places).issues.values()))


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_set_up_says_how_to_mend_it(name: str, desk: Desk, capsys) -> None:
    prepare, expected, lines = WRONG[name]
    prepare(desk)
    files = sorted(file.name for file in desk.office.folder.iterdir())
    code, out = run(desk, capsys)
    for line in lines:
        assert line in out, f"{line!r} is not in\n{out}"
    assert code == expected, out
    assert ("  wrong  " in out) is (expected == 4)
    assert out.rstrip().splitlines()[-1].startswith("nothing wrong" if expected == 0 else tuple("123456789"))
    assert all(token not in out for token in desk.tokens.values() if token not in ("nonsense", "scoped"))
    assert "nonsense" not in out
    assert sorted(file.name for file in desk.office.folder.iterdir()) == files


@pytest.mark.parametrize("status", [401, 403])
def test_a_pull_asks_nothing_more_of_a_server_whose_search_shuts_us_out(desk: Desk, status: int, capsys) -> None:
    asked: list[str] = []

    def answer(request: Any) -> Answer | None:
        asked.append(request.path)
        return Answer(status, {}) if request.path.endswith("/search") else None

    desk.serve("dc", answer)
    made = {one["source"]: one for one in desk.office.answer(capsys, "pull")["sources"]}
    assert f"/rest/api/2/search: {status}: " in made["dc"]["error"]
    assert made["dc"]["problems"] == []
    assert sum(path.endswith("/search") for path in asked) == 1
    assert asked[-1].endswith("/search")
    assert [one["grade"] for one in (made["cloud"], made["dc"], made["gitlab"])] == ["complete", "failed", "complete"]


def test_an_authority_nobody_knows(desk: Desk, tmp_path: Path, capsys) -> None:
    with _tls(tmp_path) as url:
        desk.say((desk.url("dc"), url))
        code, out = run(desk, capsys)
    assert code == 4
    assert "the certificate is not trusted; set ca_bundle" in out


def test_many_things_at_once(desk: Desk, capsys) -> None:
    """Nothing hides anything else: every source and place is looked at."""
    _token("DEMO_JIRA_DC_TOKEN", "nonsense")(desk)
    _scope(gitlab.PUBLISHER_TOKEN, "read_api")(desk)
    _reader("confluence-dc")(desk)
    code, out = run(desk, capsys)
    assert code == 4
    assert out.count("  wrong  ") == 3
    assert "3 wrong, 0 to look at; mend what is wrong and run `pmo-sync check` again" in out
    assert "Jira Cloud lets us in" in out


class Toy:
    """A connector that says what no loopback server does."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.is_closed = False

    def check(self) -> Identity:
        return Identity("bot", "Toy 1", None, scopes=("read",))

    def catalogue(self) -> Catalogue:
        return self._catalogue

    def census(self, project: Project, *, sweep: bool) -> Census:
        assert not sweep
        if project.key == "B":
            raise TrackerError("B: asleep")
        return Census(project.project_id, 4800)

    def requests(self, issues: int) -> int:
        return issues

    def close(self) -> None:
        self.is_closed = True


def test_questions_boards_and_notes(desk: Desk, monkeypatch) -> None:
    """A question about a field is put once, with lines that can be pasted; hours are told as hours."""
    asks = Problem("dc", "several fields could be estimate: cf1, cf2; none is used until the configuration says which")
    toy = Toy(
        Catalogue(
            projects=tuple(Project(f"dc:{key}", "dc", key, key, "", False) for key in "AB"),
            statuses=(Status("dc:1", "dc", 'Half "done"]', None),),
            milestones=(),
            problems=(asks, Problem("A", "its sprints cannot be read")),
            notes=(Problem("A", "a board without sprints"),),
            fields=(
                FieldChoice("estimate", (), (("cf1", 'Points "a"'), ("cf2", "Points\nb"))),
                FieldChoice("sprint", ("cf3",), (("cf3", "Sprint"),)),
            ),
            boards=1,
        )
    )
    monkeypatch.setattr(connectors, "connect", lambda *_: toy)
    config = replace(desk.office.config, projects=())
    source = named("dc", config.sources)
    assert source.server is not None
    source = replace(source, server=replace(source.server, requests_per_second=0.5))
    found = examine(source, config, Network(LeapingClock(desk.office.running.company.now)))
    said = "\n".join(found.lines())
    for line in (
        "  note   the server does not tell its time",
        "  wrong  B: issues cannot be counted: B: asleep",
        "  wrong  A: its sprints cannot be read",
        '         sprint       cf3 "Sprint"',
        "  wrong  2 fields could be estimate; none is read until you say which. Paste, and keep one line:",
        "         [source.dc.fields]",
        '         estimate = "cf1"   # "Points \\"a\\""',
        '         estimate = "cf2"   # "Points\\nb"',
        '         "Half \\"done\\"]" = "done"',
        "  note   1 board, no version, milestone or sprint: without dates",
        "  note   A: a board without sprints",
        "first pull: about 4,800 requests, 3 hours at 0.5 a second",
    ):
        assert line in said, f"{line!r} is not in\n{said}"
    assert "several fields could be" not in said
    assert toy.is_closed
    pasted = "\n".join(line.strip() for one in found.findings for line in one.todo if "=" in line or "[" in line)
    tomllib.loads(pasted.replace('estimate = "cf2"', '# estimate = "cf2"'))


@contextmanager
def _tls(folder: Path) -> Iterator[str]:
    """A server whose certificate nobody signed."""
    openssl = shutil.which("openssl")
    assert openssl is not None, "this test makes its certificate with openssl; install it"
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    wanted = "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([openssl, *wanted.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    server = Server("tls", [], lambda _: Answer(200, {}))
    server.start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    assert server._http is not None
    server._http.socket = context.wrap_socket(server._http.socket, server_side=True)
    try:
        yield server.url.replace("http://", "https://")
    finally:
        server.stop()
