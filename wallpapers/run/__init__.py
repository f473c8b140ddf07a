"""The result of a run: what became of each wallpaper, how the run ends, and its exit status."""
