"""The configuration: the example is complete and true, and every problem is reported at once."""

from __future__ import annotations

import dataclasses
import os
import re
import shlex
import shutil
import subprocess
import sys
import traceback
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

import connectors
from pmo_sync import config as module
from pmo_sync.config import CANCELED_RESOLUTIONS, CalendarConfig, Config, Secret, example, load
from pmo_sync.errors import ConfigError
from tests.named import named

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config.example.toml"
KINDS = connectors.names()


SOURCE = '[source.s]\nkind = "files"\npath = "data"\n'
JIRA = '[source.s]\nkind = "jira"\nurl = "https://a.example/jira"\n'
OAUTH = 'oauth = { client_id = "c", client_secret = { env = "S" }, scope = "READ" }\n'
PROJECT = '[[project]]\nid = "{0}"\nname = "P"\nscopes = [{{ source = "s", project = "P" }}]\n'
NOTES = '[place.notes]\nkind = "gitlab-note"\nurl = "https://gitlab.example.org"\n'
COMMENTS = '[place.comments]\nkind = "jira-comment"\nurl = "https://jira.example.org"\n'
FOLDER = '[place.folder]\nkind = "folder"\npath = "out"\n'

# Fields that nothing reads, and why: nothing is told of a team yet, only its calendar counts.
UNREAD = {"TeamConfig.name"}


def defaults_on(text: str) -> str:
    """The example with every commented option that shows its default switched on."""
    return re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)


def all_on(text: str) -> str:
    """The example with every option switched on."""
    return re.sub(r"^( *)# example: ", r"\1", defaults_on(text), flags=re.MULTILINE)


def read(folder: Path, text: str) -> Config:
    file = folder / "pmo.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {}, KINDS)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(folder, text)
    return list(caught.value.problems)


def records() -> Iterator[type]:
    for one in vars(module).values():
        if isinstance(one, type) and dataclasses.is_dataclass(one) and one is not Secret:
            yield one


def test_example_parses(tmp_path: Path) -> None:
    config = read(tmp_path, EXAMPLE.read_text(encoding="utf-8"))
    assert [project.id for project in config.projects] == ["pay"]


def test_whole_example_parses(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "crm.toml").write_text(PROJECT.format("crm").replace('"s"', '"cloud"'), encoding="utf-8")
    text = all_on(EXAMPLE.read_text(encoding="utf-8"))
    assert "# example" not in text.replace('is marked "example:"', "")
    config = read(tmp_path, text)
    assert [project.id for project in config.projects] == ["pay", "crm"]
    assert named("archive", config.sources).kind == "files"
    assert len(config.projects[0].scopes) == 4
    unset = {
        f"{type(one).__name__}.{field.name}"
        for one in (
            config.calendar,
            named("cloud", config.sources).server,
            config.projects[0],
            config.teams[0].calendar,
        )
        if dataclasses.is_dataclass(one)
        for field in dataclasses.fields(one)
        if getattr(one, field.name) in (None, (), "")
    }
    assert unset == {"ServerConfig.oauth"}, "an option of the example is not switched on"
    service = named("service", config.sources).server
    assert service is not None
    assert service.oauth is not None, "instead of user and token"
    assert None not in dataclasses.astuple(service.oauth)


def test_example_is_shipped() -> None:
    assert example() == EXAMPLE.read_text(encoding="utf-8")


def test_example_names_every_option() -> None:
    """A new option without a line in the example fails here."""
    text = EXAMPLE.read_text(encoding="utf-8")
    options = {option for one in re.findall(r"([a-z_]+) =|\.([a-z_]+)\]", text) for option in one}
    headings = {"source", "project", "programme", "team", "place", "report", "baseline", "override"}
    assert all(f"[{one}" in text for one in (*headings, "roles"))
    not_written = {"digest", "server", "roles", "wiki", "calendar"} | {
        f"{one}s" for one in headings
    }  # tables, and what is computed
    for record in records():
        for one in dataclasses.fields(record):
            assert one.name in options | not_written, f"{record.__name__}.{one.name}"


def test_uncommented_example_uses_defaults(tmp_path: Path) -> None:
    """Switching on every option that is not marked as an example changes no field of any record."""
    text = EXAMPLE.read_text(encoding="utf-8")
    shown = len(re.findall(r"^# [a-z_]+ = ", text, re.MULTILINE))
    assert shown >= 15
    plain = read(tmp_path, text)
    assert read(tmp_path, defaults_on(text)) == plain
    assert named("cloud", plain.sources).canceled_resolutions == CANCELED_RESOLUTIONS


def test_every_field_is_read(tmp_path: Path) -> None:
    """An option that nothing reads is a promise that nobody keeps. Without its fields the type checker misses them."""
    fields = {
        f"{record.__name__}.{one.name}": str(one.type) for record in records() for one in dataclasses.fields(record)
    }
    names = "|".join([Secret.__name__, *(record.__name__ for record in records())])
    leading = {name for name, type_ in fields.items() if re.search(rf"\b({names})\b", type_)}  # to another record
    missed = missed_without(set(fields) - leading, tmp_path)
    assert set(fields) >= UNREAD
    assert sorted(set(fields) - leading - missed) == sorted(UNREAD)


def missed_without(fields: set[str], folder: Path) -> set[str]:
    """What the type checker does not find, outside the configuration's own modules, once ``fields`` are renamed."""
    for top in ("pmo_sync", "connectors", "reports"):
        shutil.copytree(ROOT / top, folder / top, ignore=shutil.ignore_patterns("__pycache__", "demo"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    file, record = folder / "pmo_sync/config/records.py", ""
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if found := re.match(r"class (\w+)", line):
            record = found[1]
        elif (found := re.match(r"    (\w+): ", line)) and f"{record}.{found[1]}" in fields:
            lines[number] = f"    {found[1]}_renamed: {line[found.end() :]}"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    options = ["--follow-imports=silent", "--ignore-missing-imports", "--no-site-packages", f"--cache-dir={os.devnull}"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *options], cwd=folder, capture_output=True, text=True, check=False
    )
    told = re.findall(
        r'^(\S+?):\d+: error: (?:Item )?"(\w+)"(?: of "[^"]+")? has no attribute "(\w+)"', done.stdout, re.MULTILINE
    )
    return {f"{cls}.{name}" for where, cls, name in told if not where.startswith("pmo_sync/config/")}


def test_place_speaks_the_language_of_the_pmo(tmp_path: Path) -> None:
    text = f'[pmo]\nlanguage = "id"\n{SOURCE}{FOLDER}'
    assert named("folder", read(tmp_path, text).places).language == "id"
    assert named("folder", read(tmp_path, text + 'language = "en"\n').places).language == "en"


def test_all_problems_at_once(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
        colour = "blue"
        [pmo]
        zone = "Mars/Olympus"
        language = "fr"
        [source.a]
        kind = "jira"
        url = "jira.example.org"
        token = "literal-secret"
        workers = 99
        [source.a.statuses]
        Open = "later"
        [[project]]
        id = "x"
        name = "X"
        programme = "none"
        scopes = [{ source = "nowhere", project = "P" }]
        [[report]]
        report = "portfolio"
        places = ["moon"]
        """,
    )
    text = "\n".join(found)
    for part in ("colour", "pmo.zone", "pmo.language", "source.a.url", "source.a.token", "source.a.workers",
                 "source.a.statuses.Open", "programme", "nowhere", "moon"):  # fmt: skip
        assert part in text, part
    assert all(one.startswith("pmo.toml: ") for one in found)
    assert "literal-secret" not in text


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"not found; run `pmo-sync init` to write one"):
        load(tmp_path / "none.toml", {}, KINDS)


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    assert problems(tmp_path, "[pmo\n")[0].startswith("pmo.toml: ")


def test_include_adds_projects(tmp_path: Path) -> None:
    (tmp_path / "projects").mkdir()
    (tmp_path / "projects" / "b.toml").write_text(
        '[[project]]\nid = "b"\nname = "B"\nscopes = [{ source = "s", project = "B" }]\n', encoding="utf-8"
    )
    file = tmp_path / "pmo.toml"
    file.write_text('include = ["projects/*.toml"]\n[source.s]\nkind = "files"\npath = "data"\n', encoding="utf-8")
    assert [one.id for one in load(file, {}, KINDS).projects] == ["b"]


def test_include_matches_each_file_once_and_not_itself(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(PROJECT.format("b"), encoding="utf-8")
    config = read(tmp_path, f'include = ["*.toml", "b*"]\n{SOURCE}')
    assert [one.id for one in config.projects] == ["b"]


def test_problem_of_an_included_file_names_it(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text("[[project]]\nid = 7\n", encoding="utf-8")
    found = problems(tmp_path, f'include = ["b.toml"]\n{SOURCE}')
    assert "b.toml: project[7].id: must be a text, is 7" in found


MISTAKES = [
    ('include = ["/abs/*.toml"]\n' + SOURCE, "include: '/abs/*.toml' must be relative"),
    ('include = ["none/*.toml"]\n' + SOURCE, "include: 'none/*.toml' matches no file"),
    ('include = ["a**"]\n' + SOURCE, "include: 'a**' is no pattern"),
    ('include = [""]\n' + SOURCE, "include: must be a list of texts"),
    ('include = "x"\n' + SOURCE, "include: must be a list"),
    ("source = 4", "source: must be a table, is 4"),
    ("[source]\ns = 4", "source.s: must be written as [source.s]"),
    ('project = "x"\n' + SOURCE, "project: must be a list of tables"),
    ("[project]\n" + SOURCE, "project: must be a list of tables"),
    ("pmo = 1\n" + SOURCE, "pmo: must be a table"),
    ("team = [1]\n" + SOURCE, "team: must be a list of tables"),
    ("[pmo]\nname = 1\n" + SOURCE, "pmo.name: must be a text"),
    ('[pmo]\ncountry = ""\n' + SOURCE, "pmo.country: is empty"),
    (
        '[pmo]\ncountry = "XX"\n' + SOURCE,
        "pmo.country: no holidays known for 'XX'; use an ISO code such as ID or DE-BY",
    ),
    ('[pmo]\ncountry = "DE-XX"\n' + SOURCE, "pmo.country: no holidays known for 'DE-XX'"),
    ('[pmo]\nweekend = ["sun"]\n' + SOURCE, "pmo.weekend: must be from monday, tuesday"),
    ('[pmo]\nweekend = "sunday"\n' + SOURCE, "pmo.weekend: must be a list"),
    (
        '[pmo]\nweekend = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]\n' + SOURCE,
        "pmo.weekend: leaves no day to work on",
    ),
    (
        "[pmo]\nfree_days = [2026-12-24]\nwork_days = [2026-12-24]\n" + SOURCE,
        "pmo.work_days: 2026-12-24 is among free_days",
    ),
    (SOURCE + '[[team]]\nid = "a"\nname = "A"\ncountry = "Utopia"', "team[a].country: no holidays known for 'Utopia'"),
    (SOURCE + '[[team]]\nid = "a"\nname = "A"\nzone = "Asia/Jakarta"', "team[a].zone: unknown option"),
    ('[pmo]\nstate_dir = "~no-such-user-here/x"\n' + SOURCE, "pmo.state_dir: no home folder"),
    ('[source.s]\nkind = "jria"\nurl = "https://a.example"', "source.s.kind: must be one of"),
    ('[source.s]\nkind = "jira"\nurl = "https://"', "source.s.url: must be an address"),
    ('[source.s]\nkind = "jira"\nurl = "https://a.example:port"', "source.s.url: must be an address"),
    ('[source.s]\nkind = "jira"\nurl = "https://a.example"\nworkers = 2.5', "source.s.workers: must be a whole number"),
    (JIRA + 'client_cert = ["a.pem"]', "source.s.client_cert: must be one file, or two"),
    (JIRA + "client_cert = 1", "source.s.client_cert: must be a text or a list"),
    (JIRA + 'proxy = "proxy:3128"', "source.s.proxy: must be an address"),
    (JIRA + 'proxy = "http://me:pw@proxy:3128"', "source.s.proxy: must not hold a user or password"),
    (JIRA + 'proxy = "http://proxy:3128"\nproxy_user = "me"', "source.s.proxy_user: needs proxy and proxy_password"),
    (JIRA + 'oauth = { client_id = "c" }', "source.s.oauth.client_secret: missing"),
    (JIRA + 'oauth = { client_secret = { env = "S" }, scope = "READ" }', "source.s.oauth.client_id: missing"),
    (
        JIRA + 'oauth = { client_id = "c", client_secret = "s", scope = "READ" }',
        "oauth.client_secret: must be a reference",
    ),
    (JIRA + 'oauth = { client_id = "c", client_secret = { env = "S" } }', "source.s.oauth.scope: missing; Data Center"),
    (JIRA + 'user = "u"\n' + OAUTH, "source.s.oauth: takes the place of user and token"),
    (JIRA.replace("jira", "gitlab") + OAUTH, "source.s.oauth: GitLab and others give no tokens"),
    (SOURCE + "shrink_limit = nan", "source.s.shrink_limit: must be between"),
    (SOURCE + "[source.s.statuses]\nOpen = 1", "source.s.statuses.Open: must be a text"),
    (SOURCE + '[[programme]]\nid = "a"\nname = "A"\n' * 2, "programme[a].id: used twice"),
    (SOURCE + '[[programme]]\nid = 3\nname = "A"', "programme[3].id: must be a text"),
    (SOURCE + '[[team]]\nid = "a"\nname = "A"\n' * 2, "team[a].id: used twice"),
    (SOURCE + '[[team]]\nid = "a"\nname = "A"\nfree_days = ["x"]', "team[a].free_days: must be a list of dates"),
    (SOURCE + PROJECT.format("a") * 2, "project[a].id: used twice"),
    (SOURCE + PROJECT.format("a") + "[project.x]", "project[a].x: unknown option"),
    (SOURCE + '[[project]]\nid = "a"\nname = "A"\nscopes = 1', "project[a].scopes: must be a list of tables"),
    (SOURCE + '[[project]]\nid = "a"\nname = "A"', "project[a].scopes: missing"),
    (SOURCE + PROJECT.format("a") + 'profile = "coach"', "project[a].profile: unknown option"),
    (SOURCE + NOTES + "notify = true", "place.notes.notify: unknown option"),
    (SOURCE + NOTES + 'title_prefix = "X"', "place.notes.title_prefix: unknown option"),
    (SOURCE + COMMENTS + 'title_prefix = "X"', "place.comments.title_prefix: unknown option"),
    (SOURCE + FOLDER + "notify = true", "place.folder.notify: unknown option"),
    (SOURCE + FOLDER + 'title_prefix = "X"', "place.folder.title_prefix: unknown option"),
    (SOURCE + NOTES + 'issues = { "pay" = "a/b#1" }', 'place.notes.issues.pay: must be "portfolio" or "project/ID"'),
    (SOURCE + NOTES + 'issues = { "project/" = "a/b#1" }', 'issues.project/: must be "portfolio" or "project/ID"'),
    (SOURCE + PROJECT.format("a") + NOTES + 'issues = { "project/b" = "a/b#1" }', "no [[project]] with id 'b'"),
    (SOURCE + FOLDER + '[[report]]\nreport = "summary"\nplaces = ["folder"]', "report[1].places: folder is of kind"),
    (SOURCE + NOTES + '[[report]]\nreport = "portfolio"\nplaces = ["notes"]', "takes a summary, not a portfolio"),
    (SOURCE + NOTES + '[[report]]\nreport = "project"\nplaces = ["notes"]', "takes a summary, not a project report"),
    (SOURCE + '[[report]]\nreport = "portfolio"\nsubjects = ["a"]', "report[1].subjects: only for"),
    (SOURCE + '[[report]]\nreport = "summary"\nsubjects = ["a"]', "report[1].subjects: only for"),
    (SOURCE + '[[report]]\nreport = "weekly"', "report[1].report: must be one of"),
]


@pytest.mark.parametrize(("text", "line"), MISTAKES)
def test_mistake_is_a_line(tmp_path: Path, text: str, line: str) -> None:
    (found,) = [one for one in problems(tmp_path, text) if line in one]
    assert found.startswith("pmo.toml: ")


WIKI = '[place.{0}]\nkind = "confluence"\nflavour = "cloud"\nurl = "https://a.example/wiki/"\nspace = "PMO"\n'
OTHER_NOTES = NOTES.replace("notes", "others")
SHARED = [
    (WIKI.format("en") + WIKI.format("id"), "portfolio", ("en", "id"), "portfolio", "parent or space"),
    (FOLDER + FOLDER.replace(".folder", ".again"), "project", ("folder", "again"), "project/a", "path"),
    (
        NOTES + 'issues = { "project/a" = "x#1" }\n' + OTHER_NOTES + 'issues = { "project/a" = "x#1" }\n',
        "summary", ("notes", "others"), "project/a", "issue",
    ),
]  # fmt: skip


def reports(kind: str, *places: str, more: str = "") -> str:
    return "".join(f'[[report]]\nreport = "{kind}"\nplaces = ["{one}"]\n{more}' for one in places)


@pytest.mark.parametrize(("places", "kind", "names", "slot", "what"), SHARED)
def test_two_places_cannot_share_one_target(
    tmp_path: Path, places: str, kind: str, names: tuple[str, str], slot: str, what: str
) -> None:
    """They would write one document in turns, each over the other's."""
    base = SOURCE + PROJECT.format("a") + places
    first, second = names
    assert problems(tmp_path, base + reports(kind, *names)) == [
        f"pmo.toml: place.{second}: would write {slot} over what place.{first} writes; give it another {what}"
    ]
    assert read(tmp_path, base + reports(kind, first)), "the other place holds nothing"


def test_two_places_may_share_a_parent_for_different_documents(tmp_path: Path) -> None:
    base = SOURCE + PROJECT.format("a") + PROJECT.format("b") + WIKI.format("en") + WIKI.format("id")
    assert read(tmp_path, base + reports("portfolio", "en") + reports("project", "id"))
    assert read(tmp_path, base + reports("project", "en", more='subjects = ["a"]\n') + reports("project", "id", more='subjects = ["b"]\n'))  # fmt: skip
    (found,) = problems(tmp_path, base + reports("project", "en", more='subjects = ["a"]\n') + reports("project", "id"))
    assert "would write project/a over" in found
    moved = base.replace("[place.id]\n", '[place.id]\nparent = "7"\n')
    assert read(tmp_path, moved + reports("portfolio", "en", "id"))


def test_wrong_kind_brings_no_further_lines(tmp_path: Path) -> None:
    assert len(problems(tmp_path, '[source.s]\nkind = "jria"\nurl = "https://a.example"\n')) == 1
    place = '[place.p]\nkind = "wiki"\nspace = "PMO"\n[[report]]\nreport = "summary"\nplaces = ["p"]\n'
    assert len(problems(tmp_path, SOURCE + place)) == 1


@pytest.mark.parametrize(
    "wrong", ['"x"', "4", "4.5", "true", "[1]", "[[1]]", "{ x = 1 }", "1979-05-27T07:32:00Z", "nan"]
)
def test_no_type_of_value_raises(tmp_path: Path, wrong: str) -> None:
    """Every option of the example in turn holds a value of another type: accepted or a ConfigError, nothing else."""
    (tmp_path / "projects").mkdir()
    lines = all_on(EXAMPLE.read_text(encoding="utf-8")).splitlines()
    options = [number for number, line in enumerate(lines) if re.match(r"[a-z_]+ = ", line) and line != "scopes = ["]
    refused = 0
    for number in options:
        name = lines[number].split(" = ")[0]
        changed = [*lines[:number], f"{name} = {wrong}", *lines[number + 1 :]]
        found = problems(tmp_path, "\n".join(["colour = 1", *changed]))
        refused += any(name in one for one in found)
    assert len(options) > 60
    assert refused > 20
    for table in ("pmo", "source", "programme", "project", "team", "roles", "place", "report"):
        assert any(f"{table}" in one for one in problems(tmp_path, f"{table} = {wrong}"))


def test_digest_follows_what_decides_numbers(tmp_path: Path) -> None:
    base = read(tmp_path, SOURCE).digest
    same = (SOURCE + FOLDER, '[pmo]\nlanguage = "id"\nstate_dir = "other"\n' + SOURCE, SOURCE + "shrink_limit = 1")
    other = (
        '[pmo]\nzone = "Asia/Jakarta"\n' + SOURCE,
        '[pmo]\ncountry = "ID"\n' + SOURCE,
        "[pmo]\nfree_days = [2026-03-18]\n" + SOURCE,
        SOURCE + '[[team]]\nid = "a"\nname = "A"\nweekend = []',
        SOURCE + '[source.s.statuses]\nOpen = "doing"',
        SOURCE + 'canceled_resolutions = ["No"]',
        SOURCE + PROJECT.format("a"),
        SOURCE + '[roles]\nrisk = ["Risk"]',
    )
    assert {read(tmp_path, text).digest for text in same} == {base}
    assert len({base, *(read(tmp_path, text).digest for text in other)}) == 1 + len(other)


@pytest.mark.parametrize("printed", ["s3cret\nuser: me\n", "s3cret\x07"])
def test_what_is_no_secret_is_refused_without_showing_it(tmp_path: Path, printed: str) -> None:
    file = tmp_path / "secret"
    file.write_text(printed, encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        Secret("file", str(file), {}).reveal()
    assert "more than one line" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_secret_is_never_printed(tmp_path: Path) -> None:
    value = "hunter2-value"
    file = tmp_path / "token"
    file.write_text(f"{value}\n", encoding="utf-8")
    printing = f"cat {shlex.quote(str(file))}"
    references = {"env": "TOKEN", "file": "token", "command": printing}
    text = "".join(
        f"[source.{how}]\nkind = 'jira'\nurl = 'https://{how}.example'\ntoken = {{ {how} = \"{where}\" }}\n"
        for how, where in references.items()
    )
    (tmp_path / "pmo.toml").write_text(text, encoding="utf-8")
    config = load(tmp_path / "pmo.toml", {"TOKEN": value}, KINDS)
    secrets = [source.server.token for source in config.sources]
    assert [secret.reveal() for secret in secrets] == [value] * 3
    for one in (config, *secrets):
        for shown in (repr(one), str(one), f"{one}"):
            assert value not in shown
    assert str(file) in repr(secrets[1])
    for broken in (f"{printing}; exit 3", f"{printing} >&2; exit 3", f"{printing} >&2"):
        with pytest.raises(ConfigError) as caught:
            Secret("command", broken, {}).reveal()
        assert value not in "".join(traceback.format_exception(caught.value))
        assert value not in repr(caught.value)
        assert caught.value.__context__ is None


def test_password_in_an_address_is_not_repeated(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, '[source.s]\nkind = "jira"\nurl = "https://bot:hunter2@a.example"\n')
    assert "source.s.url: must not hold a user or password" in found
    assert "hunter2" not in found


@pytest.mark.parametrize(
    "secret",
    [
        Secret("env", "NONE", {}),
        Secret("file", "/nonexistent", {}),
        Secret("file", "/dev/null\0", {}),
        Secret("command", "exit 3", {}),
        Secret("command", r"printf '\377'", {}),
    ],
)
def test_absent_secret_says_which(secret: Secret) -> None:
    with pytest.raises(ConfigError, match=secret.how):
        secret.reveal()


@pytest.mark.parametrize(
    ("kind", "more", "workers", "per_second"),
    [
        ("jira", 'url = "https://a.atlassian.net"', 4, 8),
        ("jira", 'url = "https://a.example"\napi_base = "https://api.atlassian.com/ex/jira/1"', 4, 8),
        ("jira", 'url = "https://jira.example"', 2, 5),
        ("jira", 'url = "https://jira.example"\nflavour = "cloud"', 4, 8),
        ("jira", 'url = "https://a.atlassian.net"\nflavour = "data-center"', 2, 5),
        ("gitlab", 'url = "https://gitlab.com"', 4, 5),
        ("gitlab", 'url = "https://gitlab.example"', 4, 8),
        ("gitlab", 'url = "https://gitlab.com"\nworkers = 1\nrequests_per_second = 0.5', 1, 0.5),
    ],
)
def test_each_kind_of_server_has_its_pace(
    tmp_path: Path, kind: str, more: str, workers: int, per_second: float
) -> None:
    server = named("s", read(tmp_path, f'[source.s]\nkind = "{kind}"\n{more}\n').sources).server
    assert server
    assert (server.workers, server.requests_per_second) == (workers, per_second)


def test_tokens_are_asked_for_where_the_server_gives_them(tmp_path: Path) -> None:
    here = named("s", read(tmp_path, JIRA + OAUTH).sources).server
    cloud = named("s", read(tmp_path, (JIRA + OAUTH).replace("a.example/jira", "a.atlassian.net")).sources).server
    assert here is not None
    assert here.oauth is not None
    assert cloud is not None
    assert cloud.oauth is not None
    assert here.oauth.token_url == "https://a.example/jira/rest/oauth2/latest/token"
    assert cloud.oauth.token_url == "https://auth.atlassian.com/oauth/token"
    assert here.has_login


def test_a_client_certificate_is_one_file_or_two(tmp_path: Path) -> None:
    for text, expected in (
        ('"a.pem"', str(tmp_path / "a.pem")),
        ('["a", "b"]', (str(tmp_path / "a"), str(tmp_path / "b"))),
    ):
        server = named("s", read(tmp_path, f"{JIRA}client_cert = {text}\n").sources).server
        assert server is not None
        assert server.client_cert == expected


TEAMS = """
[pmo]
country = "ID"
free_days = [2026-03-18, 2026-12-24]
"""


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", CalendarConfig("ID", None, (date(2026, 3, 18), date(2026, 12, 24)))),
        ("free_days = []", CalendarConfig("ID")),
        ('country = "SA"', CalendarConfig("SA", None, (date(2026, 3, 18), date(2026, 12, 24)))),
        ("weekend = []\nwork_days = [2026-05-01]",
         CalendarConfig("ID", (), (date(2026, 3, 18), date(2026, 12, 24)), (date(2026, 5, 1),))),
    ],
)  # fmt: skip
def test_what_a_team_leaves_out_of_its_calendar_is_the_pmos(
    tmp_path: Path, said: str, expected: CalendarConfig
) -> None:
    config = read(tmp_path, TEAMS + SOURCE + f'[[team]]\nid = "a"\nname = "A"\n{said}\n')
    assert config.teams[0].calendar == expected
    assert config.calendars == tuple(dict.fromkeys((config.calendar, expected)))


def test_another_country_brings_its_own_weekend(tmp_path: Path) -> None:
    text = '[pmo]\nweekend = ["sunday"]\n' + SOURCE + '[[team]]\nid = "{0}"\nname = "A"\n'
    text = text.format("a") + 'country = "SA"\n' + '[[team]]\nid = "b"\nname = "B"\n'
    own, same = read(tmp_path, text).teams
    assert (own.calendar.weekend, same.calendar.weekend) == (None, ("sunday",))
