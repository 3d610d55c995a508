"""Who a person is: build, age, ancestry and face, drawn at random and turned into weights of morph targets."""
import dataclasses

import numpy as np

FACE_FOLDERS = ("head", "eyes", "nose", "mouth", "chin", "cheek", "ears", "forehead", "neck", "eyebrows")
OPPOSITES = (("decr", "incr"), ("down", "up"), ("in", "out"), ("backward", "forward"), ("concave", "convex"))
HEAD_SHAPES = ("oval", "round", "square", "diamond", "rectangular", "triangular", "invertedtriangular")


@dataclasses.dataclass(frozen=True)
class Traits:
    """gender 0 (female) .. 1 (male); age 0.2 (child), 0.5 (young), 1 (old); the rest 0..1, ancestry sums to 1."""

    gender: float
    age: float
    muscle: float
    weight: float
    height: float
    proportions: float
    cup: float
    firmness: float
    african: float
    asian: float
    caucasian: float

    @property
    def male(self):
        """Whether clothes and hair for men are drawn."""
        return self.gender > 0.5

    @property
    def grey(self):
        """Chance that the hair is grey."""
        return float(np.clip((self.age - 0.68) * 3, 0, 0.9))


def draw_traits(rng):
    """A random person, any build and ancestry, from ten or so years to old age."""
    gender = rng.choice([rng.uniform(0, 0.18), rng.uniform(0.82, 1)])
    age = rng.choice([rng.uniform(0.45, 0.65), rng.uniform(0.6, 1), rng.uniform(0.36, 0.46)], p=[0.62, 0.28, 0.1])
    muscle, weight, height = (np.clip(rng.normal(0.5, spread), 0, 1) for spread in (0.17, 0.2, 0.1))
    african, asian, caucasian = rng.dirichlet((0.45, 0.45, 0.45))
    values = (gender, age, muscle, weight, height, rng.uniform(0.35, 1), rng.uniform(0.2, 0.7), rng.uniform(0.3, 0.8),
              african, asian, caucasian)
    return Traits(*(float(value) for value in values))


def _three(value):
    """Weights of the targets at 0, 0.5 and 1 for a value between."""
    return max(0, 1 - 2 * value), 1 - abs(2 * value - 1), max(0, 2 * value - 1)


def word_weights(traits):
    """The weight of every word in the names of the large targets, such as ``young`` or ``maxmuscle``."""
    weights = {"universal": 1.0, "male": traits.gender, "female": 1 - traits.gender, "baby": 0.0}
    child = np.clip((0.5 - traits.age) / 0.3, 0, 1)
    old = np.clip((traits.age - 0.5) / 0.5, 0, 1)
    weights.update(child=child, old=old, young=1 - child - old)
    for name, value in (("muscle", traits.muscle), ("weight", traits.weight), ("cup", traits.cup),
                        ("firmness", traits.firmness), ("height", traits.height)):
        for word, weight in zip(("min", "average", "max"), _three(value)):
            weights[word + name] = weight
    weights.update(idealproportions=max(0, 2 * traits.proportions - 1),
                   uncommonproportions=max(0, 1 - 2 * traits.proportions))
    weights.update(african=traits.african, asian=traits.asian, caucasian=traits.caucasian)
    return weights


def large_targets(names, traits):
    """Weights {name: weight} of those targets (age, build, ancestry) that count for ``traits``."""
    words = word_weights(traits)
    found = {}
    for name in names:
        weight = float(np.prod([words.get(word, 0.0) for word in name.split("-")]))
        if weight > 1e-3:
            found[name] = weight
    return found


def _mirrored(name):
    """The name without its side, so that both sides of a face get one value."""
    return name[2:] if name[:2] in ("l-", "r-") else name


def draw_face(rng, names, spread=0.26):
    """Weights of the small targets of the face: each pair of opposites gets one random value, the same on both sides."""
    values, found = {}, {}
    for name in sorted(names):
        stem, _, ending = _mirrored(name).rpartition("-")
        for low, high in OPPOSITES:
            if ending not in (low, high) or "age" in stem:
                continue
            if stem not in values:
                values[stem] = float(np.clip(rng.normal(0, spread), -0.75, 0.75))
            value = values[stem] if ending == high else -values[stem]
            if value > 0.02:
                found[name] = value
    found[f"head-{rng.choice(HEAD_SHAPES)}"] = float(rng.uniform(0.1, 0.7))
    return found


def draw_expression(rng):
    """Weights of expression targets: calm, smiling, talking, brows and lids."""
    both = {"eyeBlink": rng.uniform(0, 0.2), "browDown": max(0, rng.normal(0, 0.2)), "eyeSquint": rng.uniform(0, 0.4)}
    single = {"browInnerUp": rng.uniform(0, 0.4)}
    mood = rng.random()
    if mood < 0.45:
        both.update(mouthSmile=rng.uniform(0.15, 0.8), cheekSquint=rng.uniform(0, 0.5))
    elif mood < 0.6:
        both.update(mouthFrown=rng.uniform(0, 0.3), mouthPress=rng.uniform(0, 0.4))
    if rng.random() < 0.25:
        single["jawOpen"] = rng.uniform(0.03, 0.3)
    if rng.random() < 0.06:
        both["eyeBlink"] = 0.95
    found = {name + side: float(value) for name, value in both.items() for side in ("Left", "Right")}
    found.update({name: float(value) for name, value in single.items()})
    return found
