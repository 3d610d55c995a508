"""The networks at work on images of any size: Matter, its engines, and the export of graphs."""
