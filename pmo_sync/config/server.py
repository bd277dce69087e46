"""One server's options: its address, who we are there, how we get there, and how fast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple, get_args
from urllib.parse import urlsplit

from pmo_sync.config.records import Flavour, OAuthConfig, ServerConfig
from pmo_sync.config.table import Table


class Gentle(NamedTuple):
    """How hard a server is asked where the configuration does not say."""

    workers: int
    requests_per_second: float


# Atlassian tells integrations to stay near 10 requests a second on Cloud, which all of a site's apps share; a Data
# Center is a machine that people work on; GitLab.com was measured to allow about 300 a minute.
GENTLE: Final[Mapping[str, Gentle]] = {
    "cloud": Gentle(4, 8.0),
    "data-center": Gentle(2, 5.0),
    "gitlab.com": Gentle(4, 5.0),
    "gitlab": Gentle(4, 8.0),  # one's own: no limits unless its administrators set some
    "other": Gentle(4, 8.0),  # a third party's connector
}
CLOUD_TOKENS: Final = "https://auth.atlassian.com/oauth/token"
DATA_CENTER_TOKENS: Final = "/rest/oauth2/latest/token"


def read_server(table: Table, environ: Mapping[str, str], kind: str) -> ServerConfig:
    """The server of one source or place of that kind."""
    url = table.url("url")
    api_base = table.url("api_base", url or None) or url
    flavour: Flavour | None = table.choice("flavour", get_args(Flavour), None)
    name = _kind_of_server(kind, flavour, api_base)
    user, token = table.text("user", None), table.secret("token", environ)
    oauth = _oauth(table, environ, name, api_base)
    if oauth is not None and (token is not None or user is not None):
        table.wrong("oauth", "takes the place of user and token; remove them")
    proxy, proxy_user = table.url("proxy", None) or None, table.text("proxy_user", None)
    proxy_password = table.secret("proxy_password", environ)
    if (proxy_user is None) != (proxy_password is None) or (proxy_user is not None and proxy is None):
        table.wrong("proxy_user", "needs proxy and proxy_password, and these need it")
    return ServerConfig(
        url=url,
        api_base=api_base,
        flavour=flavour,
        user=user,
        token=token,
        proxy=proxy,
        ca_bundle=_str(table.path("ca_bundle", None)),
        client_cert=_client_cert(table),
        workers=table.whole("workers", GENTLE[name].workers, 1, 16),
        requests_per_second=table.number("requests_per_second", GENTLE[name].requests_per_second, 0.1, 1000),
        oauth=oauth,
        proxy_user=proxy_user,
        proxy_password=proxy_password,
    )


def _kind_of_server(kind: str, flavour: Flavour | None, api_base: str) -> str:
    """A key of ``GENTLE``. What could be somebody's own machine is taken for one: that is the gentler mistake."""
    host = urlsplit(api_base).hostname or ""
    if kind.startswith("gitlab"):
        return "gitlab.com" if host == "gitlab.com" else "gitlab"
    if kind.startswith(("jira", "confluence")):
        is_cloud = host == "api.atlassian.com" or host.endswith((".atlassian.net", ".jira-dev.com"))
        return flavour or ("cloud" if is_cloud else "data-center")
    return "other"


def _oauth(table: Table, environ: Mapping[str, str], server: str, api_base: str) -> OAuthConfig | None:
    """``oauth = { client_id = "...", client_secret = { env = "..." } }``."""
    if table.get("oauth", dict, None) is None:
        return None
    if server not in ("cloud", "data-center"):
        table.wrong("oauth", "GitLab and others give no tokens for client credentials; say token = ...")
        return None
    one = table.table("oauth")
    default = CLOUD_TOKENS if server == "cloud" else api_base + DATA_CENTER_TOKENS
    client_id, secret = one.text("client_id"), one.secret("client_secret", environ)
    if secret is None and "client_secret" not in one.data:
        one.wrong("client_secret", 'missing; a reference such as { env = "NAME" }')
    scope = one.text("scope", None)
    if server == "data-center" and scope is None:
        one.wrong("scope", "missing; Data Center wants the scopes named, separated by spaces")
    token_url = one.url("token_url", default)
    one.finish()
    return OAuthConfig(client_id, secret, token_url, scope) if client_id and secret else None


def _client_cert(table: Table) -> str | tuple[str, str] | None:
    """One PEM file with certificate and key, or ``[certificate, key]``."""
    value: Any = table.get("client_cert", (str, list), None)
    if value is None or isinstance(value, str):
        return _str(table.path("client_cert", None))
    found = table.paths("client_cert")
    if len(found) != 2:
        table.wrong("client_cert", "must be one file, or two: [certificate, key]")
        return None
    return str(found[0]), str(found[1])


def _str(path: Path | None) -> str | None:
    return None if path is None else str(path)
