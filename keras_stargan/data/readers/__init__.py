"""Data sets as they are handed out."""
