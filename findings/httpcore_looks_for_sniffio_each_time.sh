#!/bin/sh
# httpx 0.28.1, httpcore 1.0.9, anyio 4.16.0 (Python 3.11+), installed as their metadata ask: without sniffio.
# Guess: which asynchronous library runs is found out once.
# Seen: httpcore imports sniffio inside a function that runs four times in each request, and anyio has not
# brought sniffio along since 4.12. Python remembers no import that failed, so every request walks all of sys.path
# four times: some 0.2 to 0.4 ms of processor time of a small request, more with each entry of the path.
# Consequence: clients on long paths pay most; installing sniffio ends it.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check httpx==0.28.1 httpcore==1.0.9 anyio==4.16.0
cat > "$folder/look.py" <<'PY'
import asyncio
import sys

import httpx

looked = []


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "sniffio":
            looked.append(name)


async def head_of(reader):
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.CancelledError):
        return b""


async def answer(reader, writer):
    while await head_of(reader):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    url = "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(trust_env=False) as client:
        await client.get(url)
        sys.meta_path.insert(0, Finder())
        for _ in range(10):
            await client.get(url)
    print("times that 10 requests on a kept connection looked for sniffio:", len(looked))
    return not 40 <= len(looked) <= 44


sys.exit(asyncio.run(main()))
PY
"$folder/env/bin/python" "$folder/look.py"
