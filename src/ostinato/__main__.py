"""``python -m ostinato`` is the same as ``ostinato``."""

from ostinato.app.cli import run

run()
