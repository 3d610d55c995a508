"""Engines that run a network's graphs: each in a module of its own, chosen among in ``choice``."""
