"""The command line: arguments in, API calls, text out. It decides nothing."""
