"""Meters: what is read of a process, and what a series of readings says."""
