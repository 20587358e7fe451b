"""A report as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from ostinato.families.text.novelty import NoveltyReport
from ostinato.families.text.report.facts import Report
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
pre { font: 14px/1.5 ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere;
  border-left: 3px solid #ccc; padding-left: 1em }
.quiet { color: #666; font-size: .9em }
svg text { font: 12px system-ui, sans-serif; fill: currentColor }
svg .axis { stroke: currentColor; stroke-width: 1; opacity: .25 }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd } td, th { border-color: #333 }
  .quiet { color: #999 } }
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
    summary = report.verdict.summary
    parts = [
        f"<h1>{escape(report.name)}</h1>",
        f"<p><strong>{escape(summary[:1].upper() + summary[1:])}.</strong> To change next: "
        f"{escape('; '.join(report.verdict.advice))}.</p>",
        "<h2>How good it is</h2>",
        _losses(report),
        "<h2>How it learned</h2>",
        learning_curves(report.records),
        *_parts_of_loss(report.records),
        "<h2>What it writes</h2>",
        *_samples(report),
    ]
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(report.name)}</title>\n'
        f"<style>{_STYLE}</style>\n" + "\n".join(parts) + "\n</html>\n"
    )


def _losses(report: Report) -> str:
    """Return a table of the losses and their baselines, each with a bar as long as its bits."""
    rows = [
        (name, value, "" if error is None else f"± {error:.3f}", True) for name, value, error in report.own_losses()
    ]
    rows += [
        (baseline.name, baseline.bits_per_symbol, "keeps learning while it reads", False)
        for baseline in report.baselines
    ]
    widest = max(value for _, value, _, _ in rows)
    lines = [
        f'<tr{" class=own" if own else ""}><td>{escape(name)}</td><td class="n">{value:.3f}</td>'
        f'<td class="quiet">{escape(note)}</td><td class="bar"><span style="width: {100 * value / widest:.1f}%"></span>'
        "</td></tr>"
        for name, value, note, own in rows
    ]
    symbols = sum(evaluation.symbols for evaluation in report.evaluations[:1])
    return (
        '<table><tr><th>what</th><th class="n">bits per symbol</th><th></th><th></th></tr>'
        + "".join(lines)
        + f"</table>\n<p class=quiet>On {symbols:,} {escape(report.symbol)} that were held out. ± is the standard "
        "error, by drawing blocks of the text anew. Compressors and counts have read the training text too (of a long "
        "one the last two million symbols) and go on learning from the held-out text; this model does not. The "
        "held-out text chose which weights of the run are kept, which flatters them a little.</p>"
    )


def _samples(report: Report) -> list[str]:
    parts = []
    for sample in report.samples:
        text = sample.text if isinstance(sample, NoveltyReport) else sample
        parts.append(f"<pre>{escape(text)}</pre>")
        if isinstance(sample, NoveltyReport):
            told = sample.novelty
            parts.append(
                f"<p class=quiet>longest copy: {told.longest_copy} {escape(report.symbol)}, "
                f"{escape(repr(told.copied[:60]))}, {escape(sample.place)}</p>"
            )
    if report.held_out is not None:
        parts.append(
            f"<p class=quiet>Held-out texts of this length have copies of {report.held_out.longest_copy:.0f} "
            "on average: about as much is chance.</p>"
        )
    return parts


def _parts_of_loss(records: Sequence[dict[str, Any]]) -> list[str]:
    """Return a line with the parts of the last training loss, if it has any."""
    last = records[-1] if records else {}
    parts = {name: value for name, value in last.get("train_parts", {}).items() if value is not None}
    told = ", ".join(f"{escape(name)} {bits(value):.3f}" for name, value in parts.items())
    return [f"<p class=quiet>parts of the training loss at the end, in bits per symbol: {told}</p>"] if told else []


def learning_curves(records: Sequence[dict[str, Any]]) -> str:
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
            x, y = _WIDTH - 230, _TOP + 16 + 18 * number
            parts.append(f'<line x1="{x}" x2="{x + 24}" y1="{y - 4}" y2="{y - 4}" stroke="{colour}" '
                         f'stroke-dasharray="{dashes}"/><text x="{x + 30}" y="{y}">{label}</text>')  # fmt: skip
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%" role="img" stroke-width="2">'
        f"<title>bits per symbol over training steps</title>{''.join(parts)}</svg>"
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
