"""Errors, files, command lines, archives, isolation, the machine: what every other part stands on."""
