"""The networks at work on pictures of any size: Matter, its engines, and the export of graphs."""
