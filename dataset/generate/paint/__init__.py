"""Painting: canvas, shapes, noise, colour, texture, optics."""
