"""A report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ostinato.families.report import Report
from ostinato.units import bits

_STYLE = """
body { font: 16px/1.6 system-ui, sans-serif; margin: 2rem auto; max-width: 54rem; padding: 0 1rem; color: #222;
  background: #fff }
h1, h2 { line-height: 1.2 }
table { border-collapse: collapse; margin: 1em 0 }
td, th { padding: .25em 1.2em .25em 0; text-align: left; border-bottom: 1px solid #ddd }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
td.bar { width: 16rem; padding-right: 0 }
.bar span { display: block; height: .8em; background: #8899aa; border-radius: 2px }
.own .bar span { background: #2266cc }
mark { background: #f6d3cc; color: inherit; border-radius: 3px; padding: 0 .2em }
pre { font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border-left: 3px solid #ccc; padding-left: 1em }
.quiet { color: #666; font-size: .9em }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
svg .axis { stroke: currentColor; stroke-width: 1; opacity: .25 }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd } td, th { border-color: #333 }
  .quiet { color: #999 } mark { background: #5a2a22 } }
"""
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 640, 300, 56, 36, 12, 32
_CURVES = (
    ("train_nats_per_symbol", "training, dropout included", "#999999", "4 3"),
    ("valid_nats_per_symbol", "validation, weights", "#2266cc", ""),
    ("valid_average_nats_per_symbol", "validation, averaged weights", "#cc3311", ""),
)
_TICKS = 5


def report_page(report: Report) -> str:
    """Return a report as an HTML page."""
    parts = [
        f"<h1>{escape(report.name)}</h1>",
        f"<p>{escape(report.advice)}</p>",
        "<h2>How good it is</h2>",
        _figures(report),
        *(f"<p>{escape(note)}</p>" for note in report.notes),
        "<h2>How it learned</h2>",
        learning_curves(report.records, report.unit_of_loss),
        *_parts_of_loss(report),
        *(f"<h2>{escape(section.title)}</h2>\n{section.html}" for section in report.sections),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(report.name)}</title>\n'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _figures(report: Report) -> str:
    """Return a table of the figures, each with a bar as long as it is large."""
    widest = max(figure.value for figure in report.figures) or 1.0
    lines = [
        f"<tr{' class=own' if figure.is_own else ''}><td>{escape(figure.name)}</td>"
        f'<td class="n">{report.shown(figure.value)}</td><td class="quiet">{escape(figure.remark)}</td><td class="bar">'
        f'<span style="width: {100 * figure.value / widest:.1f}%"></span></td></tr>'
        for figure in report.figures
    ]
    return (
        f'<table><tr><th>what</th><th class="n">{escape(report.unit)}</th><th></th><th></th></tr>'
        + "".join(lines)
        + f"</table>\n<p class=quiet>On {escape(report.measured_on)}. {escape(report.remark)}</p>"
    )


def _parts_of_loss(report: Report) -> list[str]:
    """Return a line with the parts of the last training loss, if it has any."""
    last = report.records[-1] if report.records else {}
    parts = {name: value for name, value in last.get("train_parts", {}).items() if value is not None}
    told = ", ".join(f"{escape(name)} {bits(value):.3f}" for name, value in parts.items())
    unit = escape(report.unit_of_loss)
    return [f"<p class=quiet>parts of the training loss at the end, in bits per {unit}: {told}</p>"] if told else []


def learning_curves(records: Sequence[dict[str, Any]], unit: str = "symbol") -> str:
    """Return the losses over training steps as an SVG picture, or a line of text if there are none."""
    curves = {
        name: [(record["step"], bits(record[name])) for record in records if record.get(name) is not None]
        for name, *_ in _CURVES
    }
    values = [value for points in curves.values() for _, value in points]
    if not values:
        return "<p>no evaluations</p>"
    low, high, last = min(values), max(values), max(step for points in curves.values() for step, _ in points)
    high = max(high, low + 0.01)

    def at(step: float, value: float) -> tuple[float, float]:
        across = _LEFT + (_WIDTH - _LEFT - _RIGHT) * step / last
        return across, _TOP + (_HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)

    parts = [_axis(at, low, high, last)]
    for number, (name, label, colour, dashes) in enumerate(_CURVES):
        if curves[name]:
            line = " ".join(f"{x:.1f},{y:.1f}" for x, y in (at(*point) for point in curves[name]))
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-dasharray="{dashes}"/>')
            if len(curves[name]) == 1:
                parts.append('<circle cx="{}" cy="{}" r="3" fill="{}"/>'.format(*line.split(","), colour))
            x, y = _WIDTH - 230, _TOP + 16 + 18 * number
            parts.append(f'<line x1="{x}" x2="{x + 24}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" '
                         f'stroke-dasharray="{dashes}"/><text x="{x + 30}" y="{y}">{label}</text>')  # fmt: skip
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" stroke-width="2">'
        f"<title>bits per {escape(unit)} over training steps</title>{''.join(parts)}</svg>"
    )


def _axis(at: Any, low: float, high: float, last: float) -> str:
    parts = []
    for tick in range(_TICKS):
        value, step = low + (high - low) * tick / (_TICKS - 1), last * tick / (_TICKS - 1)
        _, y = at(0, value)
        x, _ = at(step, low)
        parts.append(f'<line class="axis" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{_HEIGHT - 12}" text-anchor="middle">{step:,.0f}</text>')
    return "".join(parts)
