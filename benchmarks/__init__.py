"""What is measured: freshness, start, memory. `make bench` runs all of it; no test asserts these figures."""
