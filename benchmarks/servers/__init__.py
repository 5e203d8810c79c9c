"""Servers: ours with something added or replaced, so that it can be measured."""
