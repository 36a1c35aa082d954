"""nginx that returns the text from its configuration: the floor, what the kernel and a bare answer cost."""

import argparse
import os
import tempfile
from pathlib import Path

from traffic import BODY

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        default_type "text/plain; charset=utf-8";
        location / {{ return 200 "{text}"; }}
    }}
}}
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    folder = Path(tempfile.mkdtemp(prefix="nginx-"))
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port, text=BODY.decode()))
    os.execvp("nginx", ["nginx", "-c", str(configuration)])
