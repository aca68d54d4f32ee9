"""Be told when a job has ended: python receive_callback.py PORT SECRET_FILE.

It prints each job that is told genuinely. Research use only. Behind a proxy with TLS; the service sends to
hosts of ATYPIA_CALLBACK_HOSTS alone.
"""

import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MAX_AGE_S = 300
MAX_BYTES = 2**20


def is_genuine(secret: str, signature: str, body: bytes) -> bool:
    """Whether it came from one who knows the secret, and lately."""
    fields = dict(part.partition("=")[::2] for part in signature.split(","))
    told_at = fields.get("t", "")
    expected = hmac.new(secret.encode(), told_at.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, fields.get("v1", "")) and abs(time.time() - int(told_at)) < MAX_AGE_S


class Receiver(BaseHTTPRequestHandler):
    secret = ""

    def do_POST(self) -> None:
        body = self.rfile.read(min(int(self.headers.get("Content-Length", 0)), MAX_BYTES))
        if is_genuine(self.secret, self.headers.get("X-Atypia-Signature", ""), body):
            job = json.loads(body)
            sys.stdout.write(f"{job['job_id']} {job['state']}\n")
            sys.stdout.flush()
            self.send_response(204)
        else:
            self.send_response(401)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing: what is worth saying is printed above."""


if __name__ == "__main__":
    Receiver.secret = Path(sys.argv[2]).read_text().strip()
    with ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver) as server:
        sys.stdout.write(f"listening at {server.server_port}\n")
        sys.stdout.flush()
        server.serve_forever()
