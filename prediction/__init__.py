"""Mattes of what users have: photos, folders, videos, a camera."""
