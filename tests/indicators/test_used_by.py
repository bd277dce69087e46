"""Whoever a header names as a user of an indicator really reads it: a number nobody reads is not worth its query."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pmo_sync import assess, forecast, indicators, policy
from reports import cells, needs, portfolio, project

# assess hands the facts to the policy and the items behind the numbers to the project page
READERS = {
    "portfolio": (portfolio, needs, cells),
    "project": (project, cells),
    "policy": (policy, assess),
    "forecast": (),
}
# where the rows of a list of findings end up
LISTS = {"waits": "waits", "decisions": "decisions", "doubtful": "doubts"}


def tree(module: object) -> ast.Module:
    return ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))  # type: ignore[attr-defined]


def words(consumer: str) -> set[str]:
    """The texts and the attributes in the consumer's modules."""
    found = set(assess.EVIDENCE) if consumer == "project" else set()
    for module in READERS[consumer]:
        for statement in tree(module).body:
            if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == "EVIDENCE":
                continue  # the project page's
            for node in ast.walk(statement):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
                if isinstance(node, ast.Attribute):
                    found.add(node.attr)
    return found


def sql_of_the_forecast() -> str:
    return Path(str(forecast.__file__)).read_text(encoding="utf-8")


@pytest.mark.parametrize("indicator", sorted(indicators.definitions()))
def test_whoever_is_named_reads_it(indicator: str) -> None:
    one = indicators.definitions()[indicator]
    for consumer in one.used_by:
        if consumer == "forecast":
            assert f'indicators/{indicator}"' in sql_of_the_forecast()
        else:
            assert {indicator, LISTS.get(one.findings, indicator)} & words(consumer), consumer


def test_every_list_an_indicator_shares_is_read() -> None:
    shared = {one.findings for one in indicators.definitions().values()} - {""}
    assert shared == set(LISTS)
    texts = {node.value for node in ast.walk(tree(assess)) if isinstance(node, ast.Constant)}
    assert shared <= texts
