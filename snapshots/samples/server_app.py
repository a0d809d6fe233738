"""Two programs for server.sh: an application that keeps one connection per worker to PostgreSQL
and Redis, and clients that keep connections to nginx.

    server_app.py serve ADDRESS DATABASE_HOST REDIS_ADDRESS WORKERS commit|forget
    server_app.py visit COUNT PATH...

An ADDRESS is a path (a Unix socket) or a TCP port of 127.0.0.1. `forget` leaves every
transaction open, as many applications do.
"""

import http.client
import http.server
import os
import signal
import socket
import socketserver
import sys

import psycopg2


def is_path(address):
    return address.startswith("/")


def connect(address):
    if is_path(address):
        stream = socket.socket(socket.AF_UNIX)
        stream.connect(address)
        return stream
    return socket.create_connection(("127.0.0.1", int(address)))


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Bound once by the parent; all workers accept connections from it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, address, handler):
        if is_path(address):
            self.address_family = socket.AF_UNIX
        super().__init__(address if is_path(address) else ("127.0.0.1", int(address)), handler)


def serve(address, database_host, redis_address, workers, ending):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            with database.cursor() as cursor:
                cursor.execute("select count(*) from pg_stat_activity")
                sessions = cursor.fetchone()[0]
            if ending == "commit":
                database.commit()
            redis.sendall(b"INCR visits\r\n")
            visits = redis.recv(64)[1:].strip().decode()
            body = f"{sessions} sessions, visit {visits}\n".encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self):
            return str(self.client_address)

    listener = Listener(address, Handler)
    if is_path(address):
        os.chmod(address, 0o666)
    for _ in range(int(workers)):
        if os.fork() == 0:
            database = psycopg2.connect(host=database_host, dbname="shop", user="shop")
            redis = connect(redis_address)
            # Each worker queries once, even if no request reaches it.
            database.cursor().execute("select 1")
            if ending == "commit":
                database.commit()
            redis.sendall(b"PING\r\n")
            redis.recv(64)
            listener.serve_forever()
    while True:
        signal.pause()


def visit(count, *paths):
    kept = []
    for number in range(int(count)):
        connection = http.client.HTTPConnection("127.0.0.1", 80)
        connection.request("GET", paths[number % len(paths)])
        answer = connection.getresponse()
        text = answer.read().decode().strip()
        if answer.status != 200:
            sys.exit(f"{paths[number % len(paths)]}: {answer.status} {text}")
        kept.append(connection)
    print(f"all {len(kept)} answered", flush=True)
    signal.pause()


{"serve": serve, "visit": visit}[sys.argv[1]](*sys.argv[2:])
