"""What is passed on as it comes: uploads, downloads, events, WebSockets."""

from __future__ import annotations

import asyncio
import base64
import hashlib

import pytest

from tests.router.rig import Request, Rig, answer, read_answer, read_head

pytestmark = pytest.mark.asyncio(loop_scope="module")
UPLOAD = 1 << 30
CHUNK = b"\xa5" * (1 << 20)


async def test_an_upload_of_1_gb_arrives_while_it_is_sent_and_touches_no_disk(shared: Rig) -> None:
    first, counted = asyncio.Event(), 0

    async def count(request: Request) -> bytes:
        nonlocal counted
        while counted < UPLOAD:
            counted += len(await request.reader.read(1 << 20))
            first.set()
        return answer(str(counted).encode())

    async with shared.serving("github_1-upload", count, read_bodies=False):
        reader, writer = await shared.connect()
        head = f"POST /github_1-upload/ HTTP/1.1\r\nHost: a\r\nContent-Length: {UPLOAD}\r\n\r\n"
        writer.write(head.encode() + CHUNK)
        await asyncio.wait_for(first.wait(), 10)
        for _ in range(UPLOAD // len(CHUNK) - 1):
            writer.write(CHUNK)
            await writer.drain()
        got = await asyncio.wait_for(read_answer(reader), 60)
        writer.close()
    assert got.body == str(UPLOAD).encode()
    assert not [path for path in (shared.state_dir / "tmp").rglob("*") if path.is_file()]


async def test_a_chunked_upload_of_unknown_length_arrives_chunk_by_chunk(shared: Rig) -> None:
    arrived: asyncio.Queue[bytes] = asyncio.Queue()

    async def collect(request: Request) -> bytes:
        assert request.all("Transfer-Encoding") == ["chunked"]
        whole = b""
        while size := int(await request.reader.readline(), 16):
            chunk = (await request.reader.readexactly(size + 2))[:-2]
            whole += chunk
            arrived.put_nowait(chunk)
        await request.reader.readline()
        return answer(whole)

    async with shared.serving("github_1-chunked", collect, read_bodies=False):
        reader, writer = await shared.connect()
        writer.write(b"POST /github_1-chunked/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for part in (b"one", b"two", b"three"):
            writer.write(b"%x\r\n%s\r\n" % (len(part), part))
            assert await asyncio.wait_for(arrived.get(), 10) == part
        writer.write(b"0\r\n\r\n")
        assert (await asyncio.wait_for(read_answer(reader), 10)).body == b"onetwothree"
        writer.close()


async def test_who_waits_for_100_continue_is_told_to_go_on(shared: Rig) -> None:
    async def echo(request: Request) -> bytes:
        return answer(request.body)

    async with shared.serving("github_1-continue", echo) as backend:
        reader, writer = await shared.connect()
        writer.write(
            b"POST /github_1-continue/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        )
        assert (await asyncio.wait_for(read_head(reader), 10))[0] == "HTTP/1.1 100 Continue"
        writer.write(b"hello")
        assert (await asyncio.wait_for(read_answer(reader), 10)).body == b"hello"
        assert backend.requests[0].all("Expect") == []
        writer.close()


async def test_events_arrive_one_by_one(shared: Rig) -> None:
    """No event is sent before the one before it was seen: one that waits in a buffer would be waited for in vain."""
    seen: asyncio.Queue[int] = asyncio.Queue()

    async def stream(request: Request) -> None:
        request.writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        for number in range(5):
            event = b"data: %d\n\n" % number
            request.writer.write(b"%x\r\n%s\r\n" % (len(event), event))
            await request.writer.drain()
            assert await asyncio.wait_for(seen.get(), 10) == number
        request.writer.write(b"0\r\n\r\n")

    async with shared.serving("github_1-events", stream):
        reader, writer = await shared.connect()
        writer.write(b"GET /github_1-events/ HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\n\r\n")
        await asyncio.wait_for(read_head(reader), 10)
        for number in range(5):
            assert await asyncio.wait_for(reader.readuntil(b"data: %d\n\n" % number), 10)
            seen.put_nowait(number)
        assert (await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 10)).endswith(b"0\r\n\r\n")
        writer.close()


async def test_a_slow_reader_gets_all_of_a_large_download(shared: Rig) -> None:
    size = 48 << 20

    async def download(request: Request) -> None:
        request.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size // len(CHUNK)):
            request.writer.write(CHUNK)
            await request.writer.drain()

    async with shared.serving("github_1-download", download):
        reader, writer = await shared.connect()
        writer.write(b"GET /github_1-download/ HTTP/1.1\r\nHost: a\r\n\r\n")
        await read_head(reader)
        digest, got = hashlib.sha256(), 0
        while got < size:
            part = await asyncio.wait_for(reader.read(65536), 10)
            assert part, f"it ended after {got} bytes"
            digest.update(part)
            got += len(part)
        writer.close()
    assert digest.hexdigest() == hashlib.sha256(CHUNK * (size // len(CHUNK))).hexdigest()


async def test_a_websocket_talks_both_ways(shared: Rig) -> None:
    async def socket(request: Request) -> None:
        assert request.all("Upgrade") == ["websocket"] and request.all("Connection") == ["upgrade"]
        key = request.all("Sec-WebSocket-Key")[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
        accept = base64.b64encode(hashlib.sha1(key.encode()).digest())  # noqa: S324 - RFC 6455 says so
        request.writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        while data := await request.reader.read(100):
            request.writer.write(data.upper())

    async with shared.serving("github_1-socket", socket):
        reader, writer = await shared.connect()
        writer.write(
            b"GET /github_1-socket/chat HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        status, headers = await asyncio.wait_for(read_head(reader), 10)
        assert status.startswith("HTTP/1.1 101")
        assert dict(headers)["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        for word in (b"one", b"two"):
            writer.write(word)
            assert await asyncio.wait_for(reader.readexactly(3), 10) == word.upper()
        writer.close()


async def test_no_other_protocol_is_upgraded_to(shared: Rig) -> None:
    async with shared.serving("github_1-plain") as backend:
        assert (await shared.ask("/github_1-plain/", headers=["Upgrade: h2c", "HTTP2-Settings: AAMA"])).status == 200
        assert backend.requests[0].all("Upgrade") == []
