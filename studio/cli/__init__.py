"""The command line: the same doors as the page, without a browser."""
