"""How bytes come in: which addresses may be asked for, redirects, and why a download failed."""
