"""Materials of the living body: skin, eyes, teeth, hair."""
import bpy
import numpy as np

from bgmatting.dataset.generate.rendered.blender.material import Material, linear, plain

# From light to dark, sRGB. Kept below 225 so that the lightest skin still has room for light to fall on it.
TONES = np.array([(222, 180, 160), (212, 164, 138), (188, 136, 104), (147, 98, 70), (97, 63, 46), (64, 41, 31)], float)
IRIS = ((88, 60, 36), (58, 37, 22), (104, 122, 140), (96, 108, 78), (68, 90, 112), (44, 28, 18))


def skin_tone(rng, traits):
    """A colour (3,), sRGB 0..255, from light to dark by ancestry."""
    dark = np.clip(traits.african * 0.8 + traits.asian * 0.3 + traits.caucasian * 0.12 + rng.normal(0, 0.09), 0, 0.999)
    place = dark * (len(TONES) - 1)
    low = int(place)
    return np.clip(TONES[low] * (1 - place + low) + TONES[low + 1] * (place - low) + rng.normal(0, 4, 3), 20, 235)


def _texture(material, path):
    """A mask of the body data as a socket 0..1."""
    image = bpy.data.images.load(str(path), check_existing=True)
    image.colorspace_settings.name = "Non-Color"
    return material.node("TexImage", {0: material.spot("UV")}, image=image).outputs[0]


def skin(rng, assets, tone):
    """Skin of ``tone``: blood in patches, freckles on some, pores, lips, an uneven shine, and light inside it."""
    material = Material("skin")
    red, brown = np.clip(tone * (1.0, 0.76, 0.74), 0, 255), tone * (0.84, 0.73, 0.65)
    colour = material.mix(material.math("MULTIPLY", material.ramp(material.noise(11.0, 4.0), 0.35, 0.7), 0.5),
                          linear(tone), linear(red))
    mottle = material.noise(95.0, 3.0)
    colour = material.mix(material.math("MULTIPLY", mottle, 0.3), colour, linear(brown))
    if rng.random() < 0.35:
        spots = material.node("TexVoronoi", {"Vector": material.spot(), "Scale": rng.uniform(140, 260)}).outputs[0]
        share = material.math("MULTIPLY", material.math("LESS_THAN", spots, 0.16), material.ramp(mottle, 0.4, 0.7))
        share = material.math("MULTIPLY", share, rng.uniform(0.2, 0.6))
        colour = material.mix(share, colour, linear(tone * (0.62, 0.48, 0.4)))
    textures = assets.body / "textures"
    lips = np.clip(tone * (0.84, 0.56, 0.55), 0, 255)
    if rng.random() < 0.25:  # painted
        lips = np.array((rng.uniform(110, 170), rng.uniform(20, 60), rng.uniform(35, 80)))
    for name, share, shade in (("ears", 0.4, red), ("lips", 0.75, lips), ("fingernails", 0.5, tone * (1.05, 0.9, 0.88)),
                               ("eyelids", 0.25, brown), ("inside-mouth", 0.9, (120, 45, 45))):
        mask = _texture(material, textures / f"mpfb_{name}.jpg")
        colour = material.mix(material.math("MULTIPLY", mask, share), colour, linear(shade))
    pores = material.node("TexVoronoi", {"Vector": material.spot(), "Scale": 1100.0}).outputs[0]
    fine = material.noise(420.0, 3.0)
    normal = material.bump(material.math("ADD", pores, fine), 0.0007, 0.28)
    shine = material.ramp(material.noise(24.0, 3.0), 0.25, 0.75)
    rough = material.math("ADD", material.math("MULTIPLY", shine, 0.22), float(rng.uniform(0.4, 0.56)))
    shader = material.node("BsdfPrincipled", {
        "Base Color": colour, "Roughness": rough, "Specular IOR Level": float(rng.uniform(0.22, 0.4)), "Normal": normal,
        "Subsurface Weight": 0.7, "Subsurface Radius": (1.0, 0.36, 0.2), "Subsurface Scale": 0.005})
    grain = material.math("ADD", material.math("MULTIPLY", fine, 0.3), material.math("MULTIPLY", pores, 0.16))
    return material.finish(shader.outputs[0], glow=material.math("ADD", grain, 0.8))


def eye(rng):
    """An eyeball by its attribute ``gaze``: the angle from the line of sight, 0 ahead, 1 at ninety degrees."""
    material = Material("eye")
    angle = material.node("Attribute", attribute_name="gaze").outputs["Fac"]
    iris = np.array(IRIS[rng.integers(len(IRIS))])
    stops = ((0, (4, 4, 4)), (0.15, (4, 4, 4)), (0.18, iris * 0.7), (0.34, iris), (0.4, iris * 0.3),
             (0.45, (205, 194, 188)), (1, (180, 150, 146)))
    ramp = material.node("ValToRGB", {"Fac": angle})
    for place, colour in stops:
        inner = 0 < place < 1
        stop = ramp.color_ramp.elements.new(place) if inner else ramp.color_ramp.elements[0 if place == 0 else -1]
        stop.color = linear(colour)
    shader = material.node("BsdfPrincipled", {"Base Color": ramp.outputs[0], "Roughness": 0.08, "Coat Weight": 1.0})
    return material.finish(shader.outputs[0])


def teeth():
    """Teeth, not too white."""
    return plain("teeth", (205, 195, 172), 0.3)


def tongue():
    """The tongue."""
    return plain("tongue", (150, 70, 70), 0.35)


def draw_hair_colour(rng, grey=0.0, fair=1.0):
    """Melanin 0..1, its redness 0..1, and a dye (3,) sRGB or None; ``fair`` 0..1 is how likely light hair is."""
    if rng.random() < grey:
        return float(rng.uniform(0.02, 0.16)), 0.0, None
    ranges = ((0.85, 1.0), (0.62, 0.85), (0.4, 0.62), (0.2, 0.4))
    low, high = ranges[0] if rng.random() > fair else ranges[rng.choice(4, p=(0.3, 0.32, 0.22, 0.16))]
    dye = rng.uniform(20, 200, 3) if rng.random() < 0.05 else None
    return float(rng.uniform(low, high)), float(rng.uniform(0.2, 0.7) if rng.random() < 0.85 else rng.uniform(0.8, 1)), dye


def hair(rng, colour, name="hair"):
    """Hair of ``colour`` (from ``draw_hair_colour``). In the alpha pass every strand glows with a strength of its own."""
    material = Material(name)
    melanin, redness, dye = colour
    shader = material.node("BsdfHairPrincipled", {
        "Roughness": float(rng.uniform(0.22, 0.4)), "Radial Roughness": float(rng.uniform(0.3, 0.6)),
        "Random Roughness": 0.2}, parametrization="MELANIN" if dye is None else "COLOR")
    if dye is None:
        material.feed(shader.inputs["Melanin"], melanin)
        material.feed(shader.inputs["Melanin Redness"], redness)
        material.feed(shader.inputs["Random Color"], 0.35)
    else:
        material.feed(shader.inputs["Color"], linear(dye))
    strand = material.node("HairInfo")
    # 0.45 to 1.3 by strand, and roots darker than tips, as shade lies between hairs
    glow = material.math("MULTIPLY", material.math("ADD", material.math("MULTIPLY", strand.outputs["Random"], 0.85), 0.45),
                         material.math("ADD", material.math("MULTIPLY", strand.outputs["Intercept"], 0.4), 0.75))
    return material.finish(shader.outputs[0], glow=glow)
