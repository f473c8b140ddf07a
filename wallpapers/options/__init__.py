"""What a run is told: spider arguments, settings, filters, and optional libraries."""
