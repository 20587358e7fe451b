"""Tunes as scores: SVG by verovio, in which every note has the id that ``note_id`` gives it."""

from __future__ import annotations

from ostinato.errors import ConfigError
from ostinato.music.musicxml import write_musicxml
from ostinato.music.tune import Tune

_OPTIONS = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "none",
    "pageHeight": 60_000,  # all on one page, which is cut to what is there
    "pageMarginBottom": 20,
    "pageMarginLeft": 20,
    "pageMarginRight": 20,
    "pageMarginTop": 20,
    "pageWidth": 2000,
    "scale": 40,
    "spacingSystem": 6,
    "svgViewBox": True,
}


def engrave(tune: Tune) -> str:
    """Return the score of a tune as an SVG picture.

    Raises:
        ConfigError: verovio cannot draw it.
    """
    import verovio  # only where scores are drawn

    verovio.enableLog(verovio.LOG_OFF)
    toolkit = verovio.toolkit()
    toolkit.setOptions(_OPTIONS)
    if not toolkit.loadData(write_musicxml(tune).decode()):
        raise ConfigError(f"the score of {tune.title!r} cannot be drawn; MusicXML or ABC notation can still be written")
    svg: str = toolkit.renderToSVG(1)
    return svg[svg.index("<svg") :]
