"""Blender: arrays into a scene, materials, light, the camera, and the two renders. Only importing these imports bpy."""
