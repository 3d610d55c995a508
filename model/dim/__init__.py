"""DIM: alpha from a photo and a trimap."""
