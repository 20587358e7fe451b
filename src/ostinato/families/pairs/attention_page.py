"""Attention of a decoder to a source, as a self-contained page: a table with dark cells for large weights."""

from __future__ import annotations

from html import escape
from pathlib import Path

from ostinato.disk.documents import write_whole
from ostinato.families.pairs.results import Translation

_SHORT = 2  # characters
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Attention</title><style>
body {{ font: 16px/1.4 system-ui, sans-serif; margin: 2rem; }}
table {{ border-collapse: collapse; }}
td {{ width: 1.8rem; height: 1.8rem; border: 1px solid #eee; }}
th {{ font-weight: normal; padding: 0 .4rem; white-space: pre; }}
thead th {{ {turned}padding: .4rem 0; }}
tbody th {{ text-align: right; }}
tr:hover th, td:hover {{ outline: 2px solid #c60; }}
</style></head><body>
<p>{source} → <b>{text}</b></p>
<table><thead><tr><th></th>{head}</tr></thead><tbody>
{rows}
</tbody></table></body></html>
"""


def write_attention_page(found: Translation, target: Path) -> None:
    """Write the page; a cell shows its weight when the pointer rests on it."""
    assert found.attention is not None
    head = "".join(f"<th>{visible_symbol(symbol)}</th>" for symbol in found.source_symbols)
    rows = []
    for symbol, weights in zip(found.symbols, found.attention.tolist(), strict=True):
        cells = "".join(
            f'<td style="background: rgba(20, 60, 140, {weight:.3f})" title="{weight:.3f}"></td>' for weight in weights
        )
        rows.append(f"<tr><th>{visible_symbol(symbol) or 'end'}</th>{cells}</tr>")
    # Words stand upright over their column; single letters need not be turned.
    turned = "writing-mode: vertical-rl; text-align: left; " if max(map(len, found.source_symbols)) > _SHORT else ""
    page = _PAGE.format(
        turned=turned, source=escape(found.source), text=escape(found.text), head=head, rows="\n".join(rows)
    )
    write_whole(target, page.encode())


def visible_symbol(symbol: str) -> str:
    """Return a symbol as HTML; a lone space is made visible."""
    return escape(symbol.strip() or ("␣" if symbol else ""))
