"""Report: results as files, and the page made of them with its tables, targets and plots."""
