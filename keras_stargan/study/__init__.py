"""The human preference study: people choose the best translation in the browser."""
