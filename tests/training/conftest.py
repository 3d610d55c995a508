"""A network in its first iteration."""
import pytest

from tests.training.runs import first_iteration


@pytest.fixture
def begun(stage):
    """begun(batches, batch_size, **keys of the stage) -> what ``first_iteration`` returns, in the base phase."""
    def begin(batches=1, batch_size=2, **keys):
        return first_iteration(stage(accumulate=batches, **keys), batches, batch_size)
    return begin
