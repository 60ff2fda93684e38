"""Results of evaluations: files, tables, comparisons, pages to look at."""
