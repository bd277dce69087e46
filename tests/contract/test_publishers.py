"""Every place keeps the contract of ``tests/contract/publisher.py``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.publisher import Bench, PublisherContract
from tests.reports_publish.benches import ConfluenceBench, FolderBench, GitlabBench, GitlabWikiBench, JiraBench


class TestFolder(PublisherContract):
    @pytest.fixture
    def bench(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
        return FolderBench(tmp_path, monkeypatch)


class TestConfluenceCloud(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = ConfluenceBench("cloud")
        yield bench
        bench.server.stop()


class TestConfluenceDataCenter(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = ConfluenceBench("data-center")
        yield bench
        bench.server.stop()


class TestJiraCloud(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = JiraBench("cloud")
        yield bench
        bench.server.stop()


class TestJiraDataCenter(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = JiraBench("data-center")
        yield bench
        bench.server.stop()


class TestGitlab(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = GitlabBench()
        yield bench
        bench.server.stop()


class TestGitlabWiki(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[Bench]:
        bench = GitlabWikiBench()
        yield bench
        bench.server.stop()
