"""FAN, the face alignment network, which finds the landmarks of faces."""
