"""Materials as node trees. Each has two ends: what it looks like, and what it covers.

The second end is for the alpha pass: it only glows, which costs nothing to compute. Strands glow each with a strength
of its own, skin and cloth with their grain: what denoising takes from the look, ``develop.py`` gives back from there.
``show`` in ``render.py`` switches all materials over.
"""
import bpy
import numpy as np

LOOK, COVER = "look", "cover"


def linear(colour):
    """sRGB 0..255 (3,) as linear RGBA for a socket."""
    share = np.clip(np.asarray(colour, float) / 255, 0, 1)
    return (*np.where(share < 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).tolist(), 1.0)


class Material:
    """A node tree under construction. ``finish`` names its surface; then ``block`` goes to a mesh."""

    def __init__(self, name):
        self.block = bpy.data.materials.new(name)
        self.block.use_nodes = True
        self.block.cycles.emission_sampling = "NONE"  # the coverage end lights nothing
        self.tree = self.block.node_tree
        self.tree.nodes.clear()
        self._spots = {}

    def node(self, kind, inputs=None, **settings):
        """A new node: ``inputs`` maps socket names or numbers to values or to sockets to link from."""
        node = self.tree.nodes.new("ShaderNode" + kind)
        for key, value in settings.items():
            setattr(node, key, value)
        for key, value in (inputs or {}).items():
            self.feed(node.inputs[key], value)
        return node

    def feed(self, socket, value):
        """Set ``socket`` to a value, or link it to another socket."""
        if isinstance(value, bpy.types.NodeSocket):
            self.tree.links.new(value, socket)
        else:
            socket.default_value = value

    def spot(self, space="Object"):
        """Coordinates to lay a pattern by: ``Object`` (metres) or ``UV``."""
        if space not in self._spots:
            self._spots[space] = self.node("TexCoord").outputs[space]
        return self._spots[space]

    def stretched(self, scale, space="Object"):
        """The coordinates of ``spot``, multiplied by ``scale`` (3,): a pattern longer along the smaller ones."""
        return self.node("Mapping", {"Vector": self.spot(space), "Scale": scale}).outputs[0]

    def noise(self, scale, detail=2.0, vector=None, distortion=0.0):
        """Smooth noise 0..1, ``scale`` features per metre."""
        return self.node("TexNoise", {"Vector": vector or self.spot(), "Scale": scale, "Detail": detail,
                                      "Distortion": distortion}).outputs[0]

    def math(self, operation, first, second=0.0):
        """Arithmetic of two numbers or sockets."""
        return self.node("Math", {0: first, 1: second}, operation=operation).outputs[0]

    def mix(self, share, first, second, blend="MIX"):
        """A colour between two, as sockets or linear RGBA."""
        return self.node("Mix", {0: share, 6: first, 7: second}, data_type="RGBA", blend_type=blend).outputs[2]

    def ramp(self, value, low, high):
        """``value`` spread so that low..high becomes 0..1, cut outside."""
        return self.node("MapRange", {"Value": value, "From Min": low, "From Max": high}).outputs[0]

    def bump(self, height, distance, strength=1.0, normal=None):
        """A normal tilted by ``height`` (0..1 stands for ``distance`` metres)."""
        inputs = {"Height": height, "Distance": distance, "Strength": strength}
        if normal is not None:
            inputs["Normal"] = normal
        return self.node("Bump", inputs).outputs[0]

    def finish(self, surface, solid=1.0, glow=1.0):
        """End the tree: ``surface`` is the shader, ``solid`` its coverage 0..1, ``glow`` its strength in the alpha pass."""
        ends = {LOOK: surface, COVER: self.node("Emission", {"Strength": glow}).outputs[0]}
        for name, end in ends.items():
            if not isinstance(solid, float) or solid < 1:
                clear = self.node("BsdfTransparent").outputs[0]
                end = self.node("MixShader", {0: solid, 1: clear, 2: end}).outputs[0]
            node = self.node("OutputMaterial", {"Surface": end})
            node.name, node.is_active_output = name, name == LOOK
        return self.block


def plain(name, colour, roughness=0.5, **inputs):
    """One colour (sRGB 0..255); ``inputs`` are further sockets of the principled shader, spaces as underscores."""
    material = Material(name)
    sockets = {key.replace("_", " "): value for key, value in inputs.items()}
    shader = material.node("BsdfPrincipled", {"Base Color": linear(colour), "Roughness": float(roughness), **sockets})
    return material.finish(shader.outputs[0])
