"""The stock project's only spider."""
