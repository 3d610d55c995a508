"""The subjects: people, animals, plants, things."""
