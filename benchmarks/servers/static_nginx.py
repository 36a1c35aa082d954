"""nginx that sends a file: one worker, sendfile, and its settings otherwise as they come."""

import argparse
import os
import tempfile
from pathlib import Path

from staticfiles import KINDS, PREFIX, folder

CONFIGURATION = """
daemon off;
{user}
worker_processes 1;
pid {scratch}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path {scratch}/body;
    proxy_temp_path {scratch}/proxy;
    fastcgi_temp_path {scratch}/fastcgi;
    uwsgi_temp_path {scratch}/uwsgi;
    scgi_temp_path {scratch}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location {prefix}/ {{ alias {folder}/; }}
    }}
}}
"""


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp(prefix="nginx-"))
    configuration = scratch / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            user="user root;" if os.geteuid() == 0 else "",  # else it gives up what it may read
            scratch=scratch,
            port=options.port,
            prefix=PREFIX,
            folder=folder(options.kind),
        )
    )
    os.execvp("nginx", ["nginx", "-c", str(configuration)])
