"""A mail server for tests."""

import socketserver
import threading


class Server(socketserver.ThreadingTCPServer):
    """A small mail server; refuses what `refuse` says, and keeps the rest."""

    allow_reuse_address = daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Session)
        self.arrived: list[str] = []
        self.refuse: dict[str, str] = {}

    def __enter__(self) -> "Server":
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.server_address[1]}"


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.say("220 here")
        while line := self.rfile.readline().decode().strip():
            verb = line.split(":")[0].upper()
            if verb == "QUIT":
                return self.say("221 bye")
            if verb == "DATA":
                self.say("354 go on")
                lines = iter(lambda: self.rfile.readline().decode().rstrip("\r\n"), ".")
                self.server.arrived.append("\n".join(lines))
            self.say(self.server.refuse.get(verb, "250 ok"))
        return None

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
