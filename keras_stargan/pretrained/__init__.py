"""Networks with published weights, which compare, classify or align images."""
