#!/bin/sh
# httpx 0.28.1 with httpcore 1.0.9 (Python 3.11+, Linux).
# Guess: a small form (`files=` of two parts held in memory, some 300 bytes of body) leaves in one or two writes.
# Seen: 10 writes to the socket: the headers, then boundary, headers, content and line end of each part, and the end of
# the form, one system call each. The same body given as `content=` leaves in 2. A server that wakes for each piece pays too.
# Consequence for a client that sends many small forms: `request.read()` on the built request makes it one piece.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 httpcore==1.0.9 anyio==4.16.0
cat > "$folder/look.py" <<'PY'
import asyncio
import socket
import sys

import httpx

sent = []
plain = socket.socket.send


def send(self, data, *flags):
    sent.append(bytes(data))
    return plain(self, data, *flags)


async def head_of(reader):
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        return b""


async def answer(reader, writer):
    while head := await head_of(reader):
        length = next(int(l.split(b":")[1]) for l in head.lower().split(b"\r\n") if l.startswith(b"content-length"))
        await reader.readexactly(length)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    parts = [("settings", ("s.json", b"{}", "application/json")), ("x", ("x.bin", b"12345678", "application/x"))]
    async with httpx.AsyncClient(trust_env=False) as client:
        counts = []
        for whole in (False, True):
            request = client.build_request("POST", url, files=parts)
            if whole:
                request.read()
            await client.send(client.build_request("POST", url, content=b""))
            sent.clear()
            socket.socket.send = send
            await client.send(request)
            socket.socket.send = plain
            counts.append(len([piece for piece in sent if not piece.startswith(b"HTTP/1.1 200")]))
    print("writes of a form of two parts, as it is and read first:", counts)
    return counts != [10, 2]


sys.exit(asyncio.run(main()))
PY
"$folder/env/bin/python" "$folder/look.py"
