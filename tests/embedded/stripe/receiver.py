"""A shop's webhook endpoint, which takes what it is told to take."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe


class Receiver:
    """`taken` are verified events in the order they came; the first `refuse` calls are answered with 500."""

    def __init__(self, secret: str) -> None:
        self.taken: list[dict] = []
        self.calls = self.refuse = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.calls += 1
                if receiver.calls <= receiver.refuse:
                    self.send_error(500)
                    return
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], secret)
                receiver.taken.append(event.to_dict())
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def about(self, object_id: str) -> list[str]:
        return [event["type"] for event in list(self.taken) if event["data"]["object"]["id"] == object_id]

    def wait(self, object_id: str, count: int, within_s: float = 20) -> list[str]:
        """The types of the events about an object, when so many have come."""
        until = time.monotonic() + within_s
        while len(self.about(object_id)) < count:
            assert time.monotonic() < until, self.about(object_id)
            time.sleep(0.02)
        return self.about(object_id)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
