"""Tools used to make the project, not part of it when it is installed; run from the project's folder."""
