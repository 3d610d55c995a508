"""Putting arrays into Blender: an empty scene, meshes, strands, tubes."""
import bpy
import numpy as np


def clear():
    """An empty scene, nothing of the last subject left."""
    bpy.ops.wm.read_factory_settings(use_empty=True)


def link(name, data):
    """An object of ``data`` in the scene."""
    item = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(item)
    return item


def add_mesh(name, points, faces, materials, *, uv=None, uv_faces=None, slots=None, subdivide=0, thickness=0.0,
             values=None):
    """A smooth mesh of those ``points`` (V, 3) that ``faces`` use.

    uv (T, 2) with uv_faces gives texture coordinates; slots (F,) chooses the material of each face; values
    {name: (V,)} become attributes that materials can read; thickness is metres outwards.
    """
    used = np.unique(np.concatenate([np.asarray(face) for face in faces]))
    place = np.zeros(len(points), int)
    place[used] = np.arange(len(used))
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(np.asarray(points)[used].tolist(), [], [place[face].tolist() for face in faces])
    if uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        layer.data.foreach_set("uv", np.concatenate([uv[face] for face in uv_faces]).astype("f4").ravel())
    for key, array in (values or {}).items():
        attribute = mesh.attributes.new(key, "FLOAT", "POINT")
        attribute.data.foreach_set("value", np.asarray(array, "f4")[used])
    for material in materials:
        mesh.materials.append(material)
    if slots is not None:
        mesh.polygons.foreach_set("material_index", np.asarray(slots, "i4"))
    mesh.polygons.foreach_set("use_smooth", np.ones(len(faces), bool))
    mesh.update()
    item = link(name, mesh)
    if subdivide:
        modifier = item.modifiers.new("subdivide", "SUBSURF")
        modifier.levels = modifier.render_levels = subdivide
    if thickness:
        modifier = item.modifiers.new("thickness", "SOLIDIFY")
        modifier.thickness, modifier.offset = thickness, 1
    return item


def add_strands(name, strands, radius, material):
    """Hair curves: strands (S, K, 3), radius in metres, a number or (S,), thinner towards the tips."""
    count, steps, _ = strands.shape
    taper = np.interp(np.linspace(0, 1, steps), (0, 0.7, 0.9, 1), (1, 0.9, 0.65, 0.2))
    radii = np.broadcast_to(np.asarray(radius, float).reshape(-1, 1), (count, 1)) * taper
    curves = bpy.data.hair_curves.new(name)
    curves.add_curves([steps] * count)
    curves.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(strands, "f4").ravel())
    attribute = curves.attributes.get("radius") or curves.attributes.new("radius", "FLOAT", "POINT")
    attribute.data.foreach_set("value", np.ascontiguousarray(radii, "f4").ravel())
    curves.materials.append(material)
    return link(name, curves)


def add_tube(name, line, radius, material, closed=False):
    """A round tube along ``line`` (K, 3); radius in metres, a number or (K,)."""
    line = np.asarray(line, float)
    curve = bpy.data.curves.new(name, "CURVE")
    curve.dimensions = "3D"
    spline = curve.splines.new("POLY")
    spline.points.add(len(line) - 1)
    spline.points.foreach_set("co", np.hstack([line, np.ones((len(line), 1))]).ravel())
    spline.points.foreach_set("radius", np.broadcast_to(np.asarray(radius, float), len(line)).copy())
    spline.use_cyclic_u = closed
    spline.use_smooth = True
    curve.bevel_depth, curve.bevel_resolution, curve.use_fill_caps = 1.0, 3, not closed
    curve.materials.append(material)
    return link(name, curve)


def add_ball(name, centre, radii, material, rotation=None, rings=16):
    """An ellipsoid: centre (3,), radii a number or (3,), ``rotation`` (3, 3) or none."""
    across, down = np.meshgrid(np.linspace(0, 2 * np.pi, 2 * rings, endpoint=False),
                               np.linspace(0.001, np.pi - 0.001, rings))
    points = np.stack([np.sin(down) * np.cos(across), np.sin(down) * np.sin(across), np.cos(down)], -1)
    points = points.reshape(-1, 3) * radii
    points = points @ rotation.T if rotation is not None else points
    return add_mesh(name, points + centre, grid_faces(rings, 2 * rings, closed=True), [material])


def grid_faces(rows, columns, closed=False):
    """Faces of a grid of points stored row by row; ``closed`` joins the last column to the first."""
    row, column = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    after = (column + 1) % columns
    corners = (row * columns + column, row * columns + after, (row + 1) * columns + after, (row + 1) * columns + column)
    return np.stack(corners, -1).reshape(-1, 4).tolist()
