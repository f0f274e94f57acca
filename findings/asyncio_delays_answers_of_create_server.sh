#!/bin/sh
# uvicorn 0.54.0 with httptools 0.9.0 on asyncio (Python 3.11+, Linux), and uvloop 0.23.0 beside it.
# Guess: asyncio sets TCP_NODELAY on the connections of every TCP server, so a socket from `socket.create_server` that is
# handed to uvicorn (`sockets=[...]`, the way to listen on a port that the program chose) answers as fast as any.
# Seen: each answer with a body comes some 40 ms late. `socket.create_server` makes sockets of protocol 0, asyncio sets the
# option only where the protocol is IPPROTO_TCP, and the body that is written after the headers waits for the other side's
# delayed acknowledgement. A socket made with IPPROTO_TCP, or one of uvloop, is not delayed.
# Consequence: set TCP_NODELAY on the listening socket; on Linux its connections inherit it.
set -eu
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check uvicorn==0.54.0 httptools==0.9.0 uvloop==0.23.0
cat > "$folder/look.py" <<'PY'
import asyncio
import socket
import statistics
import sys
import time

import uvicorn
import uvloop


async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2000")]})
    await send({"type": "http.response.body", "body": b"x" * 2000})


def plain():
    return socket.create_server(("127.0.0.1", 0))


def told():
    made = plain()
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


async def answer_ms(listener):
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="error", loop="none", http="httptools"))
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    took = []
    for _ in range(20):
        began = time.perf_counter()
        writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(2000)
        took.append(time.perf_counter() - began)
    writer.close()
    server.should_exit = True
    await serving
    return 1000 * statistics.median(took)


late, soon = asyncio.run(answer_ms(plain())), asyncio.run(answer_ms(told()))
other = uvloop.run(answer_ms(plain()))
print(f"median of an answer: asyncio {late:.1f} ms, with TCP_NODELAY on the listener {soon:.1f} ms, uvloop {other:.1f} ms")
sys.exit(not (late > 20 > 10 > soon and other < 10))
PY
"$folder/env/bin/python" "$folder/look.py"
