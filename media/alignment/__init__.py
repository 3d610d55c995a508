"""A background brought into line with its photo: position and light."""
