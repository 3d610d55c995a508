"""MODNet: alpha from one photo of a person, without a photo of the background."""
