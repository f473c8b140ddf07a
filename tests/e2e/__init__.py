"""Through the command line, as a person or a server runs it."""
