"""Download over HTTP: address checks, transfers into part files, and the reasons of failures."""
