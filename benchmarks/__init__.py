"""How fast, how lean: this project beside its peers on one machine, each made to prove its work."""
