"""``serve``: the studio, an HTTP server for trained models and its page."""

from __future__ import annotations

import secrets
import socket
import sys
import threading
import webbrowser
from argparse import ArgumentParser, Namespace
from pathlib import Path

from ostinato.app.parser import run_path
from ostinato.errors import ConfigError
from ostinato.runs import read_about

_RUNS = Path("runs")
_LOCAL = ("127.0.0.1", "localhost", "::1")

EXAMPLES = """\
ostinato serve
ostinato serve runs/book --port 8800 --no-browser
ostinato serve --token A-LONG-SECRET --host 0.0.0.0
"""


def arguments(command: ArgumentParser) -> None:
    """Add the arguments."""
    command.add_argument(
        "runs",
        nargs="*",
        type=run_path,
        metavar="RUN",
        help="runs and model files (default: all in runs, and those shipped)",
    )
    command.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    command.add_argument("--port", type=int, default=0, help="port (default: a free one)")
    command.add_argument("--token", help="what a request has to know (default: one that is drawn and printed)")
    command.add_argument("--no-browser", action="store_true", help="do not open the page in a browser")
    command.add_argument(
        "--allow-origin", action="append", default=[], metavar="ORIGIN", help="a site whose pages may ask too"
    )
    command.add_argument(
        "--allow-host", action="append", default=[], metavar="NAME", help="a further name of this machine"
    )
    command.add_argument("--threads", type=int, help="processor threads of each model (default: chosen by a trial)")


def act(args: Namespace) -> int:
    """Serve until Ctrl-C."""
    import uvicorn

    from ostinato.app.web.server import application
    from ostinato.app.web.shelf import Shelf

    if args.token is not None and len(args.token) < 8:
        raise ConfigError("a token has 8 characters at least, as it keeps others out")
    for run in args.runs:
        read_about(run)  # one that is not there is said at once
    shelf = Shelf(args.runs, None if args.runs else _RUNS, args.threads)
    token = args.token or secrets.token_urlsafe(16)
    listening = _listening(args.host, args.port)
    port = listening.getsockname()[1]
    host = f"[{args.host}]" if ":" in args.host else args.host
    page = f"http://{host}:{port}/?token={token}"
    app = application(shelf, token, hosts=[args.host, *args.allow_host], origins=args.allow_origin)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, server_header=False
    )
    print(
        f"{len(shelf.places()):,} models at {page}\nAPI: http://{host}:{port}/v1 with this token; Ctrl-C ends",
        file=sys.stderr,
    )
    if not args.no_browser and args.host in _LOCAL:
        threading.Timer(0.3, webbrowser.open, [page]).start()
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: The port is taken, or the address is none of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.socket(family)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
        return listening
    except OSError as error:
        raise ConfigError(
            f"nobody can listen at {host}, port {port}: {error.strerror}; choose another --port"
        ) from error
