"""The DNS of one machine: where a service's instances are, for nginx on the same machine and nobody else."""

from __future__ import annotations

import errno
import ipaddress
import logging
import random
import socket
import struct
import threading
import time
from collections.abc import Callable

from dnslib import QTYPE, RCODE, RR, A, DNSError, DNSRecord  # type: ignore[import-untyped] # it ships no types

from router.errors import RouterError

Lookup = Callable[[str], list[str] | None]
"""A service's addresses, none while it is down; None when there is no such service. May raise: then nobody knows."""

UDP_SIZE = 512
"""RFC 1035: a longer answer over UDP is marked as truncated, and asked for again over TCP."""
UDP_THREADS = 2
RECEIVE_BUFFER = 1 << 20
"""A thousand upstreams ask in the same instant after a reload."""
TCP_TIMEOUT_S = 2.0
CLASS_IN = 1
COMPLAIN_S = 10.0

log = logging.getLogger(__name__)


class Zone:
    """What is answered to a packet. The codes are chosen for nginx, which empties an upstream on NXDOMAIN and on an
    answer without addresses, and keeps what it knew on any other error."""

    def __init__(self, domain: str, ttl_s: int, lookup: Lookup) -> None:
        self._domain = tuple(domain.lower().encode().split(b"."))
        self._ttl_s = ttl_s
        self._lookup = lookup
        self._answered: dict[str, float] = {}
        self._complained = float("-inf")

    def answer(self, packet: bytes, limit: int | None = None) -> bytes | None:
        """The answer in at most `limit` bytes; None to what is no question."""
        try:
            asked = DNSRecord.parse(packet)
            if asked.header.qr or len(asked.questions) != 1:
                return None
            reply = asked.reply(ra=0)
            name = self._fill(asked, reply)
            packed: bytes = reply.pack()
            if limit is not None and len(packed) > limit:
                packed = reply.truncate().pack()
        except (DNSError, ValueError, struct.error, IndexError):
            return None  # anybody may send anything to a UDP port
        if name is not None:
            self._answered[name] = time.monotonic()
        return packed

    def answered_at(self, service_id: str) -> float | None:
        """When (monotonic seconds) an answer for the service was last sent, by what is known."""
        return self._answered.get(service_id)

    def _fill(self, asked: DNSRecord, reply: DNSRecord) -> str | None:
        """The service that was answered for; None where it was for none, or nobody knows."""
        if asked.header.opcode:
            reply.header.rcode = RCODE.NOTIMP
            return None
        labels = tuple(label.lower() for label in asked.q.qname.label)
        if asked.q.qclass != CLASS_IN or len(labels) != len(self._domain) + 1 or labels[1:] != self._domain:
            reply.header.rcode = RCODE.REFUSED if labels[-len(self._domain) :] != self._domain else RCODE.NXDOMAIN
            return None
        service_id: str = labels[0].decode("ascii", errors="replace")
        try:
            addresses = self._lookup(service_id)
        except Exception as error:  # noqa: BLE001 - whatever it is, the service must not be taken for stopped
            self._complain(service_id, error)
            reply.header.rcode = RCODE.SERVFAIL
            return None
        if addresses is None:
            reply.header.rcode = RCODE.NXDOMAIN
            return None
        if asked.q.qtype in (QTYPE.A, QTYPE.ANY):
            for address in random.sample(addresses, len(addresses)):
                reply.add_answer(RR(asked.q.qname, QTYPE.A, rdata=A(address), ttl=self._ttl_s))
        return service_id

    def _complain(self, service_id: str, error: Exception) -> None:
        """Now and then: nginx asks for every service every second."""
        now = time.monotonic()
        if now - self._complained >= COMPLAIN_S:
            self._complained = now
            log.warning("The addresses of %s, and maybe of others, can't be read now: %s", service_id, error)


class DnsServer:
    """UDP and TCP on one loopback address, in threads of its own. Raises RouterError where it can't listen."""

    def __init__(self, zone: Zone, host: str, port: int) -> None:
        if not ipaddress.ip_address(host).is_loopback:
            raise RouterError(
                f"The router's DNS does not listen on {host}.",
                "It answers without asking who wants to know.",
                "Give it an address in 127.0.0.0/8.",
            )
        self._zone = zone
        self._closing = False
        self._udp = _bound(socket.SOCK_DGRAM, host, port)
        try:
            self._udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            self._tcp = _bound(socket.SOCK_STREAM, host, self._udp.getsockname()[1])
        except BaseException:
            self._udp.close()
            raise
        self._tcp.listen(64)
        self.port: int = self._udp.getsockname()[1]
        targets = [self._serve_udp] * UDP_THREADS + [self._serve_tcp]
        self._threads = [threading.Thread(target=target, name="dns", daemon=True) for target in targets]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._closing = True
        self._tcp.shutdown(socket.SHUT_RDWR)  # wakes accept()
        with socket.socket(self._udp.family, socket.SOCK_DGRAM) as waker:
            for _ in range(UDP_THREADS):
                waker.sendto(b"", self._udp.getsockname())
        for thread in self._threads:
            thread.join(TCP_TIMEOUT_S + 1)
        self._udp.close()
        self._tcp.close()

    def _serve_udp(self) -> None:
        while not self._closing:
            try:
                packet, sender = self._udp.recvfrom(4096)
                answer = self._zone.answer(packet, UDP_SIZE)
                if answer is not None:
                    self._udp.sendto(answer, sender)
            except OSError as error:  # the sender may have gone
                if not self._closing:
                    log.warning("DNS over UDP: %s", error)

    def _serve_tcp(self) -> None:
        while not self._closing:
            try:
                connection, _ = self._tcp.accept()
                with connection:
                    connection.settimeout(TCP_TIMEOUT_S)
                    self._converse(connection)
            except OSError as error:
                if not self._closing:
                    log.warning("DNS over TCP: %s", error)

    def _converse(self, connection: socket.socket) -> None:
        """One question; nginx opens a connection for each truncated answer."""
        with connection.makefile("rb") as stream:
            head = stream.read(2)
            if len(head) == 2:
                answer = self._zone.answer(stream.read(int.from_bytes(head, "big")))
                if answer is not None:
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)


def _bound(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        why = "Another program has it." if error.errno == errno.EADDRINUSE else f"{error.strerror}."
        raise RouterError(
            f"The router's DNS can't listen on port {port} of {host}.", why, "Set WHALERAY_DNS_PORT to a free port."
        ) from error
    return sock
