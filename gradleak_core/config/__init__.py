"""How a set-up is written, checked and named. Free of torch."""
