"""Record the result of a run: verdicts, failures and exit status."""
