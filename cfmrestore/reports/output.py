"""What an evaluation leaves: a printed table, a result file, a report."""

from cfmrestore.reports.html import Pictures, write_report
from cfmrestore.reports.results import Result, result_table, write_result


def write_outputs(result: Result, out: str | None, report: str | None, pictures: Pictures) -> None:
    """Print the table, and write what is asked for: the files of ``write_result``, the page of ``write_report``."""
    print(f"\n{result_table(result)}")
    if out is not None:
        write_result(result, out)
    if report is not None:
        write_report(report, result, pictures)
        print(f"look at {report}")
