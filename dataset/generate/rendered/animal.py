def add_animal(rng):
    raise NotImplementedError
