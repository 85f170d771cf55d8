"""flood.py HOST PORT RATE: malformed connections, RATE a second, until it is ended; says then how many there were.

In turns: random bytes; the beginning of a TLS handshake, then random bytes; a whole handshake of a stranger without a
certificate; nothing at all, and the end.
"""
import os
import select
import signal
import socket
import ssl
import sys
import time

# A record of 512 bytes, in it a ClientHello of TLS 1.3.
HELLO = bytes([22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])
PATIENCE = 0.2


def stranger(connection):
    """A handshake by this Python's TLS: refused for its groups, or for want of a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    connection.settimeout(PATIENCE)
    with context.wrap_socket(connection) as secure:
        secure.recv(1)


def say(connection, number):
    kind = number % 4
    if kind == 0:
        connection.sendall(os.urandom(512))
    elif kind == 1:
        connection.sendall(HELLO + os.urandom(501))
    elif kind == 2:
        stranger(connection)


def main():
    host, port, rate = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    ended = []
    signal.signal(signal.SIGTERM, lambda *_: ended.append(True))
    began, number, open_ones = time.monotonic(), 0, []
    while not ended:
        wait = began + number / rate - time.monotonic()
        if wait > 0:
            select.select([], [], [], wait)
            continue
        try:
            connection = socket.create_connection((host, port), timeout=PATIENCE)
            open_ones.append(connection)
            say(connection, number)
        except OSError:
            pass  # To be thrown out is what is expected.
        number += 1
        # Those that were not thrown out stay open for a while.
        while len(open_ones) > 100:
            open_ones.pop(0).close()
    print(number, f"{number / (time.monotonic() - began):.0f}")


main()
