"""The command line: the start of the scripts, their flags, exit codes and one-line errors."""
