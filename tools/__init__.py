"""What was used to make the project and is not part of it when it is installed; run from the project's folder."""
