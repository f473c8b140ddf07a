"""Tests: unit/ without network, integration/ with a real engine, e2e/ through the command line."""
