"""A small process between the node and its embedded Redis: when the node dies, Redis ends.

Run as a script with the command line of the server. Its standard input is a pipe that only
the node holds; however the node ends, the pipe closes. Nothing but the standard library is
imported, so that it starts at once.
"""

import signal
import subprocess
import sys


def main(command: list[str]) -> int:
    """Run the server until standard input closes; its exit status."""
    # Ctrl-C and SIGTERM are the node's to handle: it still needs Redis while it ends
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    sys.stdin.buffer.read()
    server.terminate()
    return server.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
