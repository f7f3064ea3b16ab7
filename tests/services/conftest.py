"""Real servers in this process, for the tests of services."""

import urllib.request
from collections.abc import Callable, Iterator

import grpc
import pytest

from services.runtime.server import Server, ServiceBuilder
from services.runtime.settings import Settings
from services.runtime.stopping import StopRequest

StartServer = Callable[..., Server]
"""Starts a warm server: builders first, settings as keywords."""


@pytest.fixture
def start_server() -> Iterator[StartServer]:
    """Starts servers on free ports and drains them at the end."""
    started: list[Server] = []

    def start(*builders: ServiceBuilder, warm: bool = True, **values: object) -> Server:
        settings = Settings(**{"port": 0, "metrics_port": 0, "drain_grace_s": 5.0, **values})
        server = Server(settings, builders)
        started.append(server)
        if warm:
            server.warm(StopRequest())
        return server

    yield start
    for server in started:
        server.drain()


@pytest.fixture
def connect() -> Iterator[Callable[[Server], grpc.Channel]]:
    """Opens channels and closes them at the end."""
    channels: list[grpc.Channel] = []

    def open_channel(server: Server) -> grpc.Channel:
        channels.append(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
        return channels[-1]

    yield open_channel
    for channel in channels:
        channel.close()


@pytest.fixture
def scrape() -> Callable[[Server], dict[str, float]]:
    """Reads `/metrics` as a dictionary from series, labels included, to value."""

    def read(server: Server) -> dict[str, float]:
        with urllib.request.urlopen(f"http://127.0.0.1:{server.metrics_port}/metrics") as answer:
            lines = answer.read().decode().splitlines()
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}

    return read
