"""The command line: what the page does, without a browser."""
