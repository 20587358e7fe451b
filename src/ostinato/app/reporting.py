"""Writing and showing the report on a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.table import Table

from ostinato.app.terminal.console import Console
from ostinato.app.terminal.output import write_file

if TYPE_CHECKING:
    from pathlib import Path

    from ostinato.families.base import Face
    from ostinato.families.report import Report

PAGE = "report.html"


def write_report(model: Face, folder: Path, console: Console) -> None:
    """Make the report on a run, show it, and leave the page in the run's folder."""
    from ostinato.families.report_page import report_page

    with console.status("reporting") as status:
        report = model.report(doing=lambda what: status.update(what))
    path = folder / PAGE
    write_file(path, report_page(report).encode())
    print_report(report, console)
    console.print(f"the whole report: {escape(str(path))}", highlight=False, soft_wrap=not console.is_terminal)


def print_report(report: Report, console: Console) -> None:
    """Print a report's figures and its verdict; the rest is on the page."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    for figure in report.figures:
        value = report.shown(figure.value)
        table.add_row(escape(figure.name), f"[bold]{value}[/]" if figure.is_own else value, escape(figure.remark))
    console.print(f"{report.unit}, on {report.measured_on}:", highlight=False, soft_wrap=not console.is_terminal)
    console.print(table, highlight=False)
    for note in (*report.notes, report.advice):
        console.print(escape(note), highlight=False, soft_wrap=not console.is_terminal)
