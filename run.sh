#!/bin/sh
# The whole job: set-up, training in stages, evaluation, mattes of the sample pair.
#
#   sh run.sh                  everything; finished parts are passed over, an interrupted stage goes on
#   sh run.sh PART [FLAGS]     one part: setup, stage1, stage2, stage3, eval, predict, web, test
#   sh run.sh --force          everything from the start
#   sh run.sh --data-root /data --save-dir runs    other data, another place for stages and evaluation
#
# FLAGS go to train.py, eval.py, predict.py, app.py or pytest, such as: sh run.sh stage1 --epoch-end 4
# PYTHON=/path/to/python chooses the interpreter; DATA_ROOT=/path the folder of datasets (default: data/); CPU=1 keeps to the
# CPU's paddle on a machine with a card. Relative paths are those of the folder that the command is called from.
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
trap 'echo "run.sh: interrupted; the same command goes on from here." >&2; exit 130' INT TERM

fail() {
    echo "run.sh: $1" >&2
    exit "${2:-1}"
}

step() {  # step NAME COMMAND...: run a command, and stop the script with the step's name where it fails
    name=$1
    shift
    echo "== $name"
    code=0
    "$@" || code=$?
    [ "$code" -eq 0 ] || fail "step '$name' failed (exit code $code)." "$code"
}

find_python() {  # an interpreter for .venv
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python; do
        if "$candidate" -c 'import sys, venv; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.9 to 3.13 with venv found. Install one (python3-venv on Debian), or set PYTHON." 2
}

choose_python() {  # the interpreter that has paddle already, else the one of .venv
    py=
    if [ -n "${PYTHON:-}" ]; then
        py=$PYTHON
        return
    fi
    for candidate in python python3; do
        if "$candidate" -c 'import paddle' >/dev/null 2>&1 && "$candidate" "$here/utils/interpreter.py"; then
            py=$candidate
            return
        fi
    done
    if [ -x "$here/.venv/bin/python" ]; then
        py=$here/.venv/bin/python
    fi
}

install_missing() {  # beside a paddle that is there already: what else is needed, and never another paddle or numpy
    "$py" -c 'import numpy, cv2, tqdm, skimage, visualdl, yaml, safetensors, PIL, tifffile, av' 2>/dev/null && return
    grep -v '^paddlepaddle' "$here/requirements.txt" > "$here/.requirements.tmp"
    "$py" -m pip freeze | grep '^numpy==' > "$here/.constraints.tmp" || true
    code=0
    "$py" -m pip install -q -r "$here/.requirements.tmp" -c "$here/.constraints.tmp" || code=$?
    rm -f "$here/.requirements.tmp" "$here/.constraints.tmp"
    return "$code"
}

install_all() {  # paddle first: the wheel that fits this machine; then the rest beside it
    echo "installing requirements.txt into .venv; this takes a minute or more"
    "$py" -m pip install -q --upgrade pip && "$py" "$here/utils/paddle_wheel.py" install && install_missing
}

install_fast() {  # engines for mattes on a CPU; without them everything works, only slower
    [ -f "$here/.venv/fast.txt" ] && cmp -s "$here/requirements-fast.txt" "$here/.venv/fast.txt" && return
    "$py" -c 'import sys, paddle; sys.exit(not (paddle.is_compiled_with_cuda() or paddle.__version__ < "3"))' \
        >/dev/null 2>&1 && return  # of no use there
    "$py" -c 'import openvino, onnxruntime, paddle2onnx' >/dev/null 2>&1 && return
    "$py" -m pip freeze | grep -i -E '^(numpy|protobuf|paddlepaddle)==' > "$here/.constraints.tmp" || true
    if "$py" -m pip install -q -r "$here/requirements-fast.txt" -c "$here/.constraints.tmp"; then
        case $py in "$here"/.venv/*) cp "$here/requirements-fast.txt" "$here/.venv/fast.txt" ;; esac
    else
        echo "run.sh: requirements-fast.txt does not install here; mattes are made by paddle itself, which is slower." >&2
    fi
    rm -f "$here/.constraints.tmp"
}

check_opencv() {  # the usual OpenCV needs graphics libraries of the system that bare machines lack
    "$py" -c 'import cv2' 2>/dev/null && return
    echo "opencv-python does not load here; installing opencv-python-headless, which needs no graphics libraries."
    "$py" -m pip uninstall -y opencv-python
    "$py" -m pip install opencv-python-headless
    "$py" -c 'import cv2'
}

setup() {
    choose_python
    [ -z "$py" ] || "$py" "$here/utils/interpreter.py" || fail "leave PYTHON unset for an interpreter in .venv." 2
    if [ -z "$py" ]; then
        base=$(find_python) || exit $?
        step "setup: .venv with $base" "$base" -m venv "$here/.venv"
        py=$here/.venv/bin/python
    fi
    case $py in
    "$here"/.venv/*)
        if ! cmp -s "$here/requirements.txt" "$here/.venv/installed.txt"; then
            step "setup: install requirements.txt" install_all
            step "setup: check OpenCV" check_opencv
            cp "$here/requirements.txt" "$here/.venv/installed.txt"
        fi
        install_fast ;;
    *)
        step "setup: use $py, which has paddle" install_missing
        step "setup: check OpenCV" check_opencv
        install_fast ;;
    esac
    "$py" "$here/utils/paddle_wheel.py" check || true
}

module() {  # module NAME [ARGS]: a module of this project, whatever folder the command is called from
    PYTHONPATH=$here${PYTHONPATH:+:$PYTHONPATH} "$py" -m "$@"
}

choose_data() {  # the real datasets of a part, else the generated sample data and configurations for it
    kind=$(module dataset kind "$part" ${data_root:+--data-root "$data_root"}) || fail "step 'data' failed." $?
    configs=$here/configs logs=$here/log
    if [ "$kind" = sample ]; then
        configs=$here/configs/sample logs=$here/log/sample
    fi
    logs=${save_dir:-$logs}
}

stage() {  # stage N [FLAGS]; with --save-dir DIR, stages lie in DIR/stageN, and a stage starts from the one before it there
    number=$1
    shift
    before=$logs/stage$((number - 1))/best_model
    if [ -n "$save_dir" ]; then
        set -- --save-dir "$logs/stage$number" "$@"
        [ ! -d "$before" ] || set -- --pretrain "$before" "$@"
    fi
    step "stage $number" "$py" "$here/train.py" --config "$configs/stage$number.yml" "$@"
    [ -z "$dry_run" ] || return 0
    [ -f "$logs/stage$number/results.json" ] || fail "stage $number was interrupted; the same command goes on from here." 130
}

stage3() {
    if [ "$kind" = real ] && [ "$(module dataset private ${data_root:+--data-root "$data_root"})" = yes ]; then
        stage 3 "$@"
    else
        echo "== stage 3: no private data (set the path of 'private' in configs/datasets.yml); going on without."
    fi
}

newest_weights() {  # of the last stage that was trained; nothing: the starter weights
    weights=
    for number in 1 2 3; do
        [ ! -f "$logs/stage$number/results.json" ] || weights=$logs/stage$number/best_model/model.safetensors
    done
}

evaluate() {
    newest_weights
    step "eval" "$py" "$here/eval.py" ${weights:+--weights "$weights"} --output "$logs/eval" "$@"
}

predict() {
    newest_weights
    step "predict" "$py" "$here/predict.py" ${weights:+--weights "$weights"} "$@"
}

web() {  # the page in the browser
    if ! "$py" -c 'import gradio, fastapi, uvicorn, python_multipart' 2>/dev/null; then
        "$py" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "the page needs Python 3.10 or later." 2
        "$py" -m pip freeze | grep -i -E '^(numpy|protobuf|paddlepaddle)==' > "$here/.constraints.tmp" || true
        step "setup: install requirements-web.txt" "$py" -m pip install -q -r "$here/requirements-web.txt" \
            -c "$here/.constraints.tmp"
        rm -f "$here/.constraints.tmp"
    fi
    newest_weights
    exec "$py" "$here/app.py" ${weights:+--weights "$weights"} "$@"
}

tests() {
    "$py" -c 'import pytest, xdist' 2>/dev/null || step "setup: install requirements-dev.txt" "$py" -m pip install -r "$here/requirements-dev.txt"
    cd "$here"
    together='-n 2 --dist loadfile'  # the whole suite in two processes; a part of it starts sooner in one
    quick=
    [ "${1:-}" != --quick ] || { quick='not slow'; shift; }
    for word in "$@"; do
        case $word in -k | -k* | -m | -n* | -x | -s | --pdb | --lf | *tests*) together= ;; esac
    done
    # Two processes of one thread each: with a thread for every core, each would wait for the other's.
    [ -z "$together" ] || export OMP_NUM_THREADS="${OMP_NUM_THREADS:-1}" FLAGS_paddle_num_threads="${FLAGS_paddle_num_threads:-1}"
    # shellcheck disable=SC2086
    step "test" "$py" -m pytest $together ${quick:+-m "$quick"} "$@"
}

part=all save_dir='' data_root='' dry_run=''
case ${1:-} in
-h | --help) sed -n '2,12s/^# \{0,1\}//p' "$here/run.sh"; exit 0 ;;
'' | -*) ;;
*) part=$1; shift ;;
esac
case $part in
all | setup | stage1 | stage2 | stage3 | eval | predict | web | test) ;;
*) fail "unknown part '$part'; one of setup, stage1, stage2, stage3, eval, predict, web, test, or nothing for all." 2 ;;
esac

count=$#
while [ "$count" -gt 0 ]; do  # --save-dir of stages is taken out here, --data-root only looked at
    word=$1
    shift
    count=$((count - 1))
    case $part:$word in
    all:--save[-_]dir=* | stage?:--save[-_]dir=*) save_dir=${word#*=}; continue ;;
    all:--save[-_]dir | stage?:--save[-_]dir)
        [ "$count" -gt 0 ] || fail "$word needs a folder." 2
        save_dir=$1
        shift
        count=$((count - 1))
        continue ;;
    all:--dry[-_]run | stage?:--dry[-_]run) dry_run=yes ;;
    *:--data[-_]root=* | *:--data[-_]path=*) data_root=${word#*=} ;;
    *:--data[-_]root | *:--data[-_]path) data_root=${1:-} ;;
    esac
    set -- "$@" "$word"
done

setup
case $part in
setup) "$py" -c 'import paddle, sys; print("ready: Python", sys.version.split()[0], "with paddle", paddle.__version__)' ;;
test) tests "$@" ;;
*)
    choose_data
    case $part in
    stage1) stage 1 "$@" ;;
    stage2) stage 2 "$@" ;;
    stage3) stage3 "$@" ;;
    eval) evaluate "$@" ;;
    predict) predict "$@" ;;
    web) web "$@" ;;
    all)
        stage 1 "$@"
        stage 2 "$@"
        stage3 "$@"
        [ -z "$dry_run" ] || exit 0
        evaluate ${data_root:+--data-root "$data_root"}
        predict
        ;;
    esac ;;
esac
