"""What the router's DNS answers."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from dnslib import QTYPE, RCODE, DNSRecord  # type: ignore[import-untyped]  # it ships no types

from router.dns import DnsServer, Zone
from router.errors import RouterError

DOMAIN = "whaleray.local"
UP = "github_1-acme-shop"
DOWN = "github_2-acme-down"
MANY = "github_3-" + "m" * 54
LOCKED = "github_4-locked"


def lookup(service_id: str) -> list[str] | None:
    if service_id == LOCKED:
        raise OSError("database is locked")
    known = {UP: ["127.0.1.1", "127.0.1.2", "127.0.1.3"], DOWN: [], MANY: [f"127.0.2.{n}" for n in range(1, 101)]}
    return known.get(service_id)


@pytest.fixture
def zone() -> Zone:
    return Zone(DOMAIN, 7, lookup)


@pytest.fixture
def server(zone: Zone) -> Iterator[DnsServer]:
    server = DnsServer(zone, "127.0.0.1", 0)
    yield server
    server.close()


def ask(zone: Zone, name: str, kind: str = "A") -> DNSRecord:
    answer = zone.answer(DNSRecord.question(name, kind).pack())
    assert answer is not None
    return DNSRecord.parse(answer)


def test_a_service_is_answered_with_all_its_addresses_and_the_ttl(zone: Zone) -> None:
    answer = ask(zone, f"{UP}.{DOMAIN}")
    assert answer.header.rcode == RCODE.NOERROR
    assert {str(rr.rdata) for rr in answer.rr} == {"127.0.1.1", "127.0.1.2", "127.0.1.3"}
    assert {rr.ttl for rr in answer.rr} == {7}


def test_addresses_come_in_changing_order(zone: Zone) -> None:
    firsts = {str(ask(zone, f"{UP}.{DOMAIN}").rr[0].rdata) for _ in range(100)}
    assert firsts == {"127.0.1.1", "127.0.1.2", "127.0.1.3"}


def test_names_are_read_without_regard_to_case(zone: Zone) -> None:
    assert len(ask(zone, f"{UP.upper()}.WhaleRay.Local").rr) == 3


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [
        (f"{DOWN}.{DOMAIN}", "A", RCODE.NOERROR),
        (f"{UP}.{DOMAIN}", "AAAA", RCODE.NOERROR),
        (f"{UP}.{DOMAIN}", "MX", RCODE.NOERROR),
        (f"github_9-unknown.{DOMAIN}", "A", RCODE.NXDOMAIN),
        (f"deep.{UP}.{DOMAIN}", "A", RCODE.NXDOMAIN),
        (DOMAIN, "A", RCODE.NXDOMAIN),
        ("example.com", "A", RCODE.REFUSED),
        (f"{UP}.other.local", "A", RCODE.REFUSED),
        (f"{LOCKED}.{DOMAIN}", "A", RCODE.SERVFAIL),
    ],
)
def test_without_an_address_the_code_says_why(zone: Zone, name: str, kind: str, code: int) -> None:
    answer = ask(zone, name, kind)
    assert (answer.header.rcode, answer.rr) == (code, [])


def test_what_nobody_knows_does_not_count_as_answered(zone: Zone) -> None:
    for service_id in (UP, DOWN, LOCKED, "github_9-unknown"):
        ask(zone, f"{service_id}.{DOMAIN}")
    assert zone.answered_at(UP) and zone.answered_at(DOWN)
    assert zone.answered_at(LOCKED) is None and zone.answered_at("github_9-unknown") is None


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"\0",
        b"\xff" * 12,
        b"\xff" * 600,
        DNSRecord.question(UP).pack()[:-3],
        DNSRecord.question(UP).reply().pack(),
    ],
)
def test_what_is_no_question_is_ignored(zone: Zone, packet: bytes) -> None:
    assert zone.answer(packet) is None


def test_it_goes_on_after_malformed_packets(server: DnsServer) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", server.port))
        for packet in (b"", b"\0" * 5, b"\xff" * 900):
            client.send(packet)
        client.send(DNSRecord.question(f"{UP}.{DOMAIN}").pack())
        assert len(DNSRecord.parse(client.recv(4096)).rr) == 3


def test_a_long_answer_is_truncated_over_udp_and_whole_over_tcp(server: DnsServer) -> None:
    question = DNSRecord.question(f"{MANY}.{DOMAIN}")
    short = question.send("127.0.0.1", server.port, timeout=5)
    assert len(short) <= 512 and DNSRecord.parse(short).header.tc
    whole = DNSRecord.parse(question.send("127.0.0.1", server.port, tcp=True, timeout=5))
    assert len(whole.rr) == 100 and {QTYPE[rr.rtype] for rr in whole.rr} == {"A"}


def test_a_silent_tcp_client_keeps_nobody_out(server: DnsServer) -> None:
    with socket.create_connection(("127.0.0.1", server.port)):
        question = DNSRecord.question(f"{UP}.{DOMAIN}")
        assert len(DNSRecord.parse(question.send("127.0.0.1", server.port, tcp=True, timeout=10)).rr) == 3


def test_it_listens_on_loopback_only(zone: Zone) -> None:
    with pytest.raises(RouterError, match=r"0\.0\.0\.0"):
        DnsServer(zone, "0.0.0.0", 0)  # noqa: S104 - it must refuse


def test_a_port_that_is_taken_is_named_with_its_setting(zone: Zone, server: DnsServer) -> None:
    with pytest.raises(RouterError, match=f"port {server.port} .*WHALERAY_DNS_PORT"):
        DnsServer(zone, "127.0.0.1", server.port)


def test_a_closed_server_gives_its_port_back(zone: Zone) -> None:
    first = DnsServer(zone, "127.0.0.1", 0)
    first.close()
    DnsServer(zone, "127.0.0.1", first.port).close()
