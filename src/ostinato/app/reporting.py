"""Writing and showing the report on a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import write_file

if TYPE_CHECKING:
    from ostinato.families.text.model import TextModel
    from ostinato.families.text.report.facts import Report

PAGE = "report.html"


def write_report(model: TextModel, console: Console) -> None:
    """Look at a run, show what is found, and leave the page in its folder."""
    from ostinato.families.text.report.facts import report_on
    from ostinato.families.text.report.page import report_page

    with console.status("reporting") as status:
        report = report_on(model, doing=lambda what: status.update(what), compiling=lambda what: status.update(what))
    path = model.saved.path / PAGE
    write_file(path, report_page(report).encode())
    print_report(report, console)
    console.print(f"the whole report: {escape(str(path))}", highlight=False, soft_wrap=not console.is_terminal)


def print_report(report: Report, console: Console) -> None:
    """Print a report's numbers and its verdict; samples are on the page."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for name, value, error in report.own_losses():
        table.add_row(name, f"[bold]{value:.3f}[/]", "" if error is None else f"± {error:.3f}")
    for baseline in report.baselines:
        table.add_row(baseline.name, f"{baseline.bits_per_symbol:.3f}", "keeps learning while it reads")
    symbols = report.evaluations[0].symbols
    head = f"bits per symbol of the first {symbols:,} held-out symbols, as many as there was time for:"
    console.print(head, highlight=False, soft_wrap=not console.is_terminal)
    console.print(table, highlight=False)
    told = f"{report.verdict.summary}. To change next: {'; '.join(report.verdict.advice)}"
    console.print(escape(told), highlight=False, soft_wrap=not console.is_terminal)
