"""Orders over HTTP: every POST to /orders becomes one row in PostgreSQL.

Which database: libpq's own variables, PGHOST, PGUSER, PGPASSWORD and PGDATABASE. VERSION is what answers and log
lines name this process by.
"""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg2
from psycopg2.pool import ThreadedConnectionPool

PORT = 8080
VERSION = os.environ.get("VERSION", "?")
CONNECTIONS = 8  # to the database; whoever comes when all are in use waits

pool = ThreadedConnectionPool(0, CONNECTIONS, "", connect_timeout=3)
free = threading.BoundedSemaphore(CONNECTIONS)


def query(sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Runs one statement in a transaction of its own."""
    with free:
        database = pool.getconn()
        try:
            with database, database.cursor() as cursor:
                cursor.execute(sql, values)
                return cursor.fetchall() if cursor.description else []
        finally:
            pool.putconn(database)


class Orders(BaseHTTPRequestHandler):
    """POST /orders {"id": ..., "item": ...} stores an order; GET /orders counts them."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.answer(200, {})
        else:
            self.attempt("count orders", 200, lambda: {"orders": query("SELECT count(*) FROM orders")[0][0]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            order = json.loads(body)
            values = (str(order["id"]), str(order["item"]))
        except (ValueError, KeyError, TypeError):
            self.answer(400, {"error": 'an order is {"id": ..., "item": ...}'})
            return
        self.attempt(f"store order {values[0]}", 201, lambda: store(values))

    def attempt(self, what: str, status: int, act: Any) -> None:
        """Does what was asked for, and says in answer and log what came of it."""
        try:
            result = act()
        except psycopg2.Error as error:
            log(f"CANNOT {what}: {' '.join(str(error).split())}")
            # Not 503: Istio would send the order again.
            self.answer(500, {"error": f"cannot {what}"})
        else:
            self.answer(status, result)

    def answer(self, status: int, content: dict[str, Any]) -> None:
        body = json.dumps({"version": VERSION, **content}).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: Any) -> None:
        if self.path != "/healthz":
            log(f"{form % values} from {self.headers.get('X-Forwarded-For', self.client_address[0])}")


class Server(ThreadingHTTPServer):
    request_queue_size = 1024


def store(order: tuple[str, str]) -> dict[str, Any]:
    query("INSERT INTO orders (id, item) VALUES (%s, %s)", order)
    return {"id": order[0]}


def log(text: str) -> None:
    print(f"{VERSION}: {text}", flush=True)


if __name__ == "__main__":
    # A process that is number 1 in its container is not ended by a signal that it does not handle.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    Server(("", PORT), Orders).serve_forever()
