"""What the command line does, one file for each command; `cli.py` reads the arguments."""
