def add_plant(rng):
    raise NotImplementedError
