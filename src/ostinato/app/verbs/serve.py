"""``serve``: the studio, an HTTP server for trained models and its page."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import threading
import webbrowser
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ostinato.app.parser import run_path
from ostinato.errors import ConfigError, OstinatoError
from ostinato.runs import read_about

if TYPE_CHECKING:
    from ostinato.app.web.shelf import Shelf

_RUNS = Path("runs")
_LOCAL = ("127.0.0.1", "localhost", "::1")

EXAMPLES = """\
ostinato serve
ostinato serve runs/book --port 8800 --no-browser
ostinato serve --token A-LONG-SECRET --host 0.0.0.0 --allow-host my-machine.local
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
    if args.token is not None and len(args.token) < 8:
        raise ConfigError("a token has 8 characters at least, as it keeps others out")
    for run in args.runs:
        read_about(run)  # one that is not there is said at once
    token = args.token or secrets.token_urlsafe(16)
    listening = _listening(args.host, args.port)
    host = f"[{args.host}]" if ":" in args.host else args.host
    site = f"http://{host}:{listening.getsockname()[1]}"
    page = f"{site}/?token={token}"
    print(f"the studio is at {page}\nAPI: {site}/v1 with this token; Ctrl-C ends", file=sys.stderr, flush=True)
    if not args.no_browser and args.host in _LOCAL:
        # The browser starts while we do; what it asks until then waits at the socket.
        threading.Thread(target=webbrowser.open, args=[page], daemon=True).start()
    _serve(args, token, listening)
    return 0


def _serve(args: Namespace, token: str, listening: socket.socket) -> None:
    import uvicorn

    from ostinato.app.web.server import application
    from ostinato.app.web.shelf import Shelf
    from ostinato.app.web.work import Desk

    shelf, desk = Shelf(args.runs, None if args.runs else _RUNS, args.threads), Desk()
    threading.Thread(target=_warm, args=[shelf], daemon=True).start()
    app = application(shelf, token, hosts=[args.host, *args.allow_host], origins=args.allow_origin, desk=desk)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=1, server_header=False
    )
    uvicorn.Server(config).run(sockets=[listening])
    if desk.is_working:  # such as at an atlas, which nobody waits for any more; nothing is written, so nothing is lost
        sys.stderr.flush()
        os._exit(0)


def _warm(shelf: Shelf) -> None:
    """Load the first model, and all that guesses need, while the browser opens."""
    with suppress(OstinatoError):
        held = shelf.get(shelf.first())
        if "generate" in held.model.verbs:
            with held.lock:
                held.model.coming()


def _listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens.

    Raises:
        ConfigError: The port is taken, or the address is none of this machine.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        # With its protocol named: asyncio sends small answers at once (TCP_NODELAY) only where it knows that it is TCP,
        # and else each of them waits 40 ms for the client to acknowledge its head.
        listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
        return listening
    except OSError as error:
        raise ConfigError(
            f"nobody can listen at {host}, port {port}: {error.strerror}; choose another --port"
        ) from error
