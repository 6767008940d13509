#!/usr/bin/env python3
"""A stand-in for those who are told: prints each alert that Alertmanager sends, as one line.

    receiver.py PORT
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        told = json.loads(self.rfile.read(int(self.headers["content-length"])))
        for alert in told["alerts"]:
            labels = alert["labels"]
            summary = alert["annotations"].get("summary", "")
            print(f'ALERT {self.path[1:]} {alert["status"]} {labels["alertname"]}: {summary}', flush=True)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
