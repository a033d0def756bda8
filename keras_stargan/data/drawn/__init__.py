"""Data sets that this package draws, so that all can be tried without a download."""
