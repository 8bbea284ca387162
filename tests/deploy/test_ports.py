"""Stacks that start side by side do not take each other's ports."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.errors import StackError
from local.ports import LISTENERS, LOOPBACK, PortClaims, choose_ports

FEW = range(31_000, 31_000 + 3 * len(LISTENERS))
"""So few ports that two random choices meet, were it not for the claims (by chance: once in 800 times not)."""

CLAIM_AND_WAIT = """
import sys
from pathlib import Path
from local.ports import PortClaims
claims = PortClaims(locks=Path(sys.argv[1]))
print(claims.claim(int(sys.argv[2])), flush=True)
sys.stdin.read()
"""


def test_two_stacks_whose_servers_start_later_have_no_port_in_common(tmp_path: Path) -> None:
    with PortClaims(FEW, tmp_path / "locks") as one, PortClaims(FEW, tmp_path / "locks") as other:
        first = choose_ports(tmp_path / "first.json", {}, one)
        second = choose_ports(tmp_path / "second.json", {}, other)
        assert len(set(first.values())) == len(set(second.values())) == len(LISTENERS)
        assert not set(first.values()) & set(second.values())


def test_port_is_claimed_until_its_claimer_is_killed(tmp_path: Path) -> None:
    port = FEW[0]
    command = [sys.executable, "-c", CLAIM_AND_WAIT, str(tmp_path), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        with PortClaims(locks=tmp_path) as claims:
            assert not claims.claim(port)
            other.send_signal(signal.SIGKILL)
            other.wait()
            assert claims.claim(port)
            assert not claims.claim(port)  # nor twice by the same stack


def test_port_that_a_server_listens_on_is_not_claimed(tmp_path: Path) -> None:
    with PortClaims(locks=tmp_path) as claims, socket.create_server((LOOPBACK, 0)) as server:
        port = server.getsockname()[1]
        assert not claims.claim(port)
        server.close()
        assert claims.claim(port)


def test_ports_are_those_of_the_last_run_unless_another_stack_has_one(tmp_path: Path) -> None:
    kept, locks = tmp_path / "ports.json", tmp_path / "locks"
    with PortClaims(locks=locks) as claims:
        before = choose_ports(kept, {}, claims)
    with PortClaims(locks=locks) as claims:
        assert choose_ports(kept, {}, claims) == before
    with PortClaims(locks=locks) as other, PortClaims(locks=locks) as claims:
        assert other.claim(before["redis"])
        after = choose_ports(kept, {}, claims)
        assert {name for name in LISTENERS if after[name] != before[name]} == {"redis"}
    assert json.loads(kept.read_text()) == after


def test_wished_port_of_another_stack_is_refused(tmp_path: Path) -> None:
    with PortClaims(locks=tmp_path) as other, PortClaims(locks=tmp_path) as claims:
        assert other.claim(FEW[0])
        with pytest.raises(StackError, match=f"Port {FEW[0]} \\(gateway\\) is taken"):
            choose_ports(tmp_path / "ports.json", {"gateway": FEW[0]}, claims)


def test_running_out_of_ports_is_said(tmp_path: Path) -> None:
    with PortClaims(range(31_900, 31_902), tmp_path) as claims:
        claims.claim(31_900)
        claims.claim(31_901)
        with pytest.raises(StackError, match="No free port"):
            claims.choose()
