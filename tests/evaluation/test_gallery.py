"""Names of files of methods."""
from bgmatting.evaluation.gallery import file_words


def test_no_two_methods_have_files_of_one_name():
    words = file_words(["a-b-2", "a b", "a+b", "a b", "a-b-1", "c"])
    assert words["a-b-2"] == "a-b-2" and words["c"] == "c"
    assert len(set(words.values())) == len(words) == 5
