"""FAN: the landmarks of faces."""
