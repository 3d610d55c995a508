import json

from bgmatting.evaluation.protocols import PROTOCOLS, columns


def test_columns():
    assert list(columns("unknown")) == list(columns("unknown", True)) == ["sad", "mse", "grad", "conn", "fg_mse"]
    assert list(columns("paddle2021")) == ["sad", "mse"]
    rvm = columns("whole", sequences=True)
    assert {word: column.times for word, column in rvm.items()} == {
        "mad": 1000, "mse": 1000, "grad": 0.001, "conn": 0.001, "fg_mse": 1000, "dtssd": 100, "messddt": 1000}


def test_changes_are_known():
    changed = PROTOCOLS["sample"].changed(size="original", trimap="square", disturb=None)
    assert changed.size is None and changed.disturb
    assert changed.differences() == {"trimap": "square", "size": "original"}
    assert PROTOCOLS["rvm"].changed(sequences=True).differences() == {}
    assert PROTOCOLS["paper"].changed(unmix="both").differences() == {"unmix": "both"}
    assert json.loads(json.dumps(changed.facts()))["size"] == "original"
