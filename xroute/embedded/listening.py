"""A stand-in's socket, on this machine only."""

import socket
import sys

HOST = "127.0.0.1"


def listen(port: int, *, backlog: int) -> socket.socket:
    """Listening before the port is printed, so that whoever reads it may connect at once."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sys.exit(f"Port {port} is in use ({error.strerror}).")
    sock.listen(backlog)
    return sock
