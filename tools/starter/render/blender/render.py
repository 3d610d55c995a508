"""Rendering a scene twice by Cycles on the CPU: how it looks, and what it covers."""
import contextlib
import os
import sys
from pathlib import Path

import bpy
import numpy as np

from tools.starter.render.blender.material import COVER, LOOK


def set_up(size, samples, threads=0, filter_width=1.2):
    """Settings of all pictures: ``size`` pixels a side, ``samples`` per pixel, ``threads`` (0: all cores)."""
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.resolution_percentage = 100
    scene.render.threads_mode, scene.render.threads = ("FIXED", threads) if threads else ("AUTO", 0)
    scene.render.film_transparent = True
    scene.render.use_persistent_data = True  # the second pass finds the geometry ready
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.color_depth = "OPEN_EXR", "RGBA", "32"
    cycles = scene.cycles
    cycles.device, cycles.samples, cycles.use_adaptive_sampling = "CPU", samples, False
    cycles.filter_width = filter_width
    cycles.use_denoising, cycles.denoiser = True, "OPENIMAGEDENOISE"
    cycles.denoising_input_passes, cycles.denoising_prefilter = "RGB_ALBEDO_NORMAL", "FAST"
    cycles.max_bounces, cycles.diffuse_bounces, cycles.glossy_bounces, cycles.transmission_bounces = 4, 2, 2, 4
    cycles.transparent_max_bounces, cycles.volume_bounces = 16, 0
    cycles.caustics_reflective = cycles.caustics_refractive = False
    cycles.sample_clamp_indirect = 4
    scene.cycles_curves.shape, scene.cycles_curves.subdivisions = "RIBBONS", 1


def shoot(folder, name):
    """Render the scene; returns float32 (H, W, 4): linear colour times alpha, and alpha."""
    path = Path(folder) / f"{name}.exr"
    bpy.context.scene.render.filepath = str(path)
    with quiet():
        bpy.ops.render.render(write_still=True)
    image = bpy.data.images.load(str(path))
    width, height = image.size
    pixels = np.empty(width * height * 4, "f4")
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    path.unlink()
    return pixels.reshape(height, width, 4)[::-1].copy()


def show(end):
    """Switch every material to its end LOOK or COVER."""
    for material in bpy.data.materials:
        node = material.node_tree.nodes.get(end) if material.use_nodes else None
        if node is not None:
            node.is_active_output = True


def shoot_look(folder):
    """The picture as it looks, denoised; its alpha is noisy and not to be used."""
    show(LOOK)
    return shoot(folder, "look")


def shoot_cover(folder, samples):
    """Render the subject's coverage by many cheap samples: alpha in the last channel, strength of strands in the others."""
    cycles = bpy.context.scene.cycles
    before = cycles.samples, cycles.use_denoising, cycles.max_bounces
    cycles.samples, cycles.use_denoising, cycles.max_bounces = samples, False, 0
    # pixels that are all in or all out are done after a few samples; the soft ones get them all
    cycles.use_adaptive_sampling, cycles.adaptive_threshold, cycles.adaptive_min_samples = True, 0.01, min(16, samples)
    show(COVER)
    try:
        return shoot(folder, "cover")
    finally:
        cycles.samples, cycles.use_denoising, cycles.max_bounces = before
        cycles.use_adaptive_sampling = False
        show(LOOK)


@contextlib.contextmanager
def quiet():
    """Keep Blender's own lines of progress from the terminal."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
