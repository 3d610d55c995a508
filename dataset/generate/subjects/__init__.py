"""Painted subjects: people, heads, hair, creatures, things."""
