"""The images that methods are judged on: composed by a seed, or a folder as it is."""
