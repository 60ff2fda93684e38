"""What an evaluation leaves: a printed table, a result file, a report."""

from cfmrestore.reports.html import Pictures, write_report
from cfmrestore.reports.results import Result, result_table, write_result


def write_outputs(result: Result, out: str | None, report: str | None, pictures: Pictures) -> None:
    """Print the table, and write the files that are asked for.

    Args:
        result: Of an evaluation.
        out: JSON file for the result; a table and a CSV file are written beside it.
        report: HTML file with table, histograms and the worst images.
        pictures: Gives the pictures of an image of a benchmark, as ``write_report`` takes it.
    """
    print(f"\n{result_table(result)}")
    if out is not None:
        write_result(result, out)
    if report is not None:
        write_report(report, result, pictures)
        print(f"look at {report}")
