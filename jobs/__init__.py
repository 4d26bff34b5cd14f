"""Entry points: each parses its options, runs, reports one line of JSON and exits with a code."""
