"""Ports for the servers of the tests."""

from __future__ import annotations

import random
import socket

# Below those of Linux for clients (net.ipv4.ip_local_port_range), above those of services.
SERVER_PORTS = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Loopback ports that nobody uses now, all different.

    None of those that clients are given: a server that is stopped and started again finds its own
    still free, whoever tried to reach it meanwhile.
    """
    probes: list[socket.socket] = []
    try:
        for port in random.sample(SERVER_PORTS, len(SERVER_PORTS)):
            if len(probes) == count:
                break
            probes.append(socket.socket())
            try:
                probes[-1].bind(("127.0.0.1", port))
            except OSError:
                probes.pop().close()
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
