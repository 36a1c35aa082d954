"""A peer that sends one burst of pipelined requests after the other, and reads all answers.

Run with a port, a target and the size of a burst in bytes. Says when the first burst is answered, sends until
its input ends, and prints how many requests were answered.
"""

import socket
import sys
from contextlib import suppress
from threading import Thread


def flood(port: int, target: str, size: int) -> None:
    request = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    burst = request * (size // len(request))
    is_over = Thread(target=sys.stdin.read, daemon=True)
    is_over.start()
    with socket.create_connection(("127.0.0.1", port)) as sock:

        def send() -> None:
            with suppress(OSError):  # the end
                while True:
                    sock.sendall(burst)

        sock.sendall(request)
        length = len(sock.recv(65536))  # each answer is as long as the first, whatever its Date
        first = length * (size // len(request))
        Thread(target=send, daemon=True).start()
        received = 0
        while is_over.is_alive():
            size = len(sock.recv(1 << 20))
            received += size
            if received >= first > received - size:
                sys.stdout.write("begun\n")
                sys.stdout.flush()
    sys.stdout.write(f"{received // length}\n")


if __name__ == "__main__":
    flood(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
