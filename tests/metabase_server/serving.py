"""The stand-in as a server: HTTP on a port, an account of what came in, and faults that a test may order."""

import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.metabase_server.api import Api
from tests.metabase_server.calling import Answer, Options, Received
from tests.metabase_server.store import MemoryStore, Store


class Dropped(Exception):
    """Raised by a test's `before` or `after`: the connection is cut, and nothing is answered."""


Hook = Callable[[Received, int], None]


class MetabaseServer:
    """Serves on 127.0.0.1 from a thread of its own; use it in a `with` block.

    `before` and `after` are called around each write, with its number; either may raise Dropped.
    """

    def __init__(self, options: Options | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self.api = Api(options or Options())
        self.received: list[Received] = []
        self.before: Hook = lambda received, number: None
        self.after: Hook = lambda received, number: None
        self._http = _Http((host, port), _Handler)
        self._http.owner = self
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})
        self.url = f"http://{host}:{self._http.server_address[1]}"

    def start(self, store: Store | None = None) -> "MetabaseServer":
        """Listen; with no store it is up but starting, until `api.ready` is called."""
        self._thread.start()
        if store is not None:
            self.api.ready(store)
        return self

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    def __enter__(self) -> "MetabaseServer":
        return self.start(MemoryStore())

    def __exit__(self, *_: object) -> None:
        self.stop()

    def writes(self) -> list[str]:
        """Return the writes so far as `METHOD /path`."""
        return [f"{one.method} {one.path}" for one in self.received if one.is_write]

    def handle(self, received: Received) -> Answer:
        self.received.append(received)
        number = len(self.writes())
        if received.is_write:
            self.before(received, number)
        answer = self.api.answer(received)
        if received.is_write:
            self.after(received, number)
        return answer


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    owner: MetabaseServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes, and the second would wait 40 ms for the first one's acknowledgement.
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PUT(self) -> None:
        self._serve()

    def _serve(self) -> None:
        url = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            body = json.loads(raw) if raw else None
            session = self.headers.get("X-Metabase-Session")
            answer = self.server.owner.handle(
                Received(self.command, url.path, body, parse_qs(url.query), session)
            )
        except ValueError:
            answer = Answer({"error": "Malformed JSON in request body."}, 400)
        except Dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self._send(answer)

    def _send(self, answer: Answer) -> None:
        is_text = isinstance(answer.body, str)
        content = answer.body.encode() if is_text else json.dumps(answer.body).encode()
        self.send_response(answer.status)
        self.send_header("Content-Type", f"{'text/plain' if is_text else 'application/json'};charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: `received` is the account."""
