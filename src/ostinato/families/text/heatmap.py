"""A text as a heat map on one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ostinato.families.text.examining import Compared, Examination, alternatives_told
from ostinato.families.text.results import is_whole

_FULL = 8.0  # bits that are shown in the fullest colour
_HEAT, _FIRST, _SECOND = "255, 60, 0", "0, 120, 60", "150, 0, 150"
_STYLE = """
body { font: 16px/1.7 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222 }
pre { font: 16px/1.9 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
span[data-t] { border-radius: 2px }
span[data-t]:hover, span[data-t]:focus { outline: 2px solid #333 }
#told { position: sticky; top: 0; background: #fff; border-bottom: 1px solid #ccc; min-height: 3.6em; padding: .4em 0 }
.key { display: inline-block; width: 8rem; height: 1em; vertical-align: middle; margin: 0 .5em }
@media (prefers-color-scheme: dark) { body, #told { background: #161616; color: #ddd } }
"""
_SCRIPT = """
const told = document.getElementById("told"), first = told.textContent;
const show = event => { const t = event.target.dataset && event.target.dataset.t; told.textContent = t || first; };
document.addEventListener("mouseover", show); document.addEventListener("focusin", show);
"""


def heat_map(examination: Examination) -> str:
    """Return a page: the redder a symbol, the more surprising; pointing at it shows the symbols expected there."""
    spans, data, total, expected = [], b"", 0.0, ""
    for symbol in examination.symbols:
        part = symbol.part
        expected += ("; then " if data else "") + alternatives_told(symbol)
        data, total = data + part.data, total + part.bits_per_symbol
        if part.is_end or is_whole(data):  # symbols may be parts of a character
            text = part.text if part.is_end else data.decode(errors="backslashreplace")
            spans.append(_span(text, f"{text!r}: {total:.2f} bits, {expected}", _HEAT, total / _FULL))
            data, total, expected = b"", 0.0, ""
    if data:
        spans.append(
            _span(data.decode(errors="backslashreplace"), f"{total:.2f} bits, {expected}", _HEAT, total / _FULL)
        )
    score = examination.score
    summary = (
        f"{score.symbols:,} symbols, {score.bits_per_symbol:.4f} bits per symbol, perplexity {score.perplexity:.3f}. "
        "Point at a symbol to see what was expected there."
    )
    key = f'0 bits<span class="key" style="{_gradient(_HEAT)}"></span>{_FULL:g} bits or more'
    return _page("How surprising this text is", summary, key, spans)


def comparison_map(parts: Sequence[Compared], names: tuple[str, str]) -> str:
    """Return a page: green where the first model finds a part more probable, purple where the second does."""
    spans = []
    for part in parts:
        told = f"{part.text!r}: {names[0]} {part.first:.3f} nats, {names[1]} {part.second:.3f}, {part.gain:+.2f} bits"
        spans.append(_span(part.text, told, _FIRST if part.gain > 0 else _SECOND, abs(part.gain) / _FULL))
    gain = sum(part.gain for part in parts)
    better = names[0] if gain > 0 else names[1]
    summary = f"{better} finds the text more probable, by {abs(gain):.2f} bits in all. Point at a part for its numbers."
    key = (
        f'{escape(names[0])}<span class="key" style="{_gradient(_FIRST)}"></span>'
        f'{escape(names[1])}<span class="key" style="{_gradient(_SECOND)}"></span>{_FULL:g} bits or more'
    )
    return _page("Two models, one text", summary, key, spans)


def _span(text: str, told: str, colour: str, share: float) -> str:
    shown = escape(text).replace("\n", "\u23ce\n")
    alpha = min(1.0, max(0.0, share))
    return f'<span tabindex="0" data-t="{escape(told)}" style="background: rgba({colour}, {alpha:.2f})">{shown}</span>'


def _gradient(colour: str) -> str:
    return f"background: linear-gradient(to right, rgba({colour}, 0), rgba({colour}, 1))"


def _page(title: str, summary: str, key: str, spans: Sequence[str]) -> str:
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f"<style>{_STYLE}</style>\n<h1>{title}</h1>\n<p>{key}</p>\n"
        f'<p id="told">{escape(summary)}</p>\n<pre>{"".join(spans)}</pre>\n<script>{_SCRIPT}</script>\n</html>\n'
    )
