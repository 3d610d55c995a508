#!/bin/sh
# The whole job: set-up, training in stages, evaluation, mattes of the sample pair.
#
#   sh run.sh                  everything; finished parts are passed over, an interrupted stage goes on
#   sh run.sh PART [FLAGS]     one part: setup, stage1, stage2, stage3, eval, predict, web, test
#   sh run.sh --force          everything from the start
#   sh run.sh --data-root /data --save-dir runs    other data, another place for stages and evaluation
#
# FLAGS go to train.py, eval.py, predict.py, app.py or pytest, such as: sh run.sh stage1 --epoch-end 4
# PYTHON=/path/to/python chooses the interpreter (3.9 to 3.13); DATA_ROOT=/path the folder of datasets (default: data/);
# CPU=1 keeps to the CPU on a machine with a card. Relative paths are those of the folder that the command is called from.
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

misfit() {  # misfit PYTHON: a line where it is too old or too new; the range stands in utils/supported.py
    PYTHONPATH=$here "$1" -c 'import bgmatting.utils.supported as c; print(c.unfit_python(c.NEWEST) or "")' 2>/dev/null \
        || echo "$1 does not run as a Python."
}

find_python() {  # an interpreter for .venv
    for candidate in python3 python3.13 python3.12 python3.11 python3.10 python3.9 python; do
        if [ -z "$(misfit "$candidate")" ]; then
            echo "$candidate"
            return
        fi
    done
    fail "no Python 3.9 to 3.13 found. Install one, or name it by PYTHON=/path/to/python." 2
}

wheels() {  # what is installed, and beside what
    "$py" "$here/utils/paddle_wheel.py" "$@"
}

choose_python() {  # $PYTHON, else an interpreter that has paddle already, else the one of .venv
    py=
    if [ -n "${PYTHON:-}" ]; then
        line=$(misfit "$PYTHON")
        [ -z "$line" ] || fail "PYTHON=$PYTHON: $line" 2
        py=$PYTHON
        return
    fi
    for candidate in python python3; do
        if [ -z "$(misfit "$candidate")" ] && "$candidate" "$here/utils/paddle_wheel.py" has >/dev/null 2>&1; then
            py=$candidate
            return
        fi
    done
    if [ -x "$here/.venv/bin/python" ]; then
        py=$here/.venv/bin/python
    fi
}

make_venv() {  # make_venv PYTHON: .venv with a pip; Debian, Ubuntu and Colab have Pythons whose venv cannot put it there
    if "$1" -m venv "$here/.venv" && "$here/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
        return
    fi
    "$1" -m virtualenv -q "$here/.venv" && "$here/.venv/bin/python" -m pip --version >/dev/null && return
    echo "run.sh: $1 makes no environment with pip. On Debian and Ubuntu: apt-get install python3-venv; elsewhere:" \
        "$1 -m pip install virtualenv. Then run the same command again." >&2
    return 2
}

install_missing() {  # what is needed beside paddle
    wheels beside "$here/requirements.txt" --needs numpy cv2 tqdm skimage visualdl yaml safetensors PIL tifffile av
}

install_all() {  # paddle first: the wheel that fits this machine; then the rest beside it
    echo "installing requirements.txt into $1; this takes a minute or more"
    "$py" -m pip install -q --upgrade pip && wheels install && wheels beside "$here/requirements.txt"
}

install_fast() {  # engines for mattes on a CPU; without them everything works, only slower
    [ -f "$here/.venv/fast.txt" ] && cmp -s "$here/requirements-fast.txt" "$here/.venv/fast.txt" && return
    "$py" -c 'import sys; sys.exit(sys.version_info < (3, 13))' && return  # no paddle2onnx for it, which exports
    "$py" -c 'import sys, paddle; sys.exit(not (paddle.is_compiled_with_cuda() or paddle.__version__ < "3"))' \
        >/dev/null 2>&1 && return  # of no use there
    if wheels beside "$here/requirements-fast.txt" --needs openvino onnxruntime paddle2onnx; then
        case $py in "$here"/.venv/*) cp "$here/requirements-fast.txt" "$here/.venv/fast.txt" ;; esac
    else
        echo "run.sh: requirements-fast.txt does not install here; mattes are made by paddle itself, which is slower." >&2
    fi
}

check_opencv() {  # the usual OpenCV needs graphics libraries of the system that bare machines lack
    "$py" -c 'import cv2' 2>/dev/null && return
    echo "opencv-python does not load here; installing opencv-python-headless, which needs no graphics libraries."
    "$py" -m pip uninstall -y opencv-python
    "$py" -m pip install --prefer-binary opencv-python-headless
    "$py" -c 'import cv2'
}

setup() {
    case ${CPU:-0} in 0 | no | off | false) ;; *) export CUDA_VISIBLE_DEVICES='' ;; esac  # for the paddle of a GPU, too
    choose_python
    venv=$here/.venv
    case $py in
    '' | "$venv"/*) ;;
    *)
        if wheels has; then
            step "setup: use $py, which has paddle" install_missing
            step "setup: check OpenCV" check_opencv
            install_fast
            wheels check || true
            return
        fi
        if "$py" -c 'import sys, importlib.util as u; sys.exit(sys.prefix == sys.base_prefix or bool(u.find_spec("paddle")))'; then
            venv=$("$py" -c 'import sys; print(sys.prefix)')  # an environment that was made for this
        else
            base=$py py=
            [ ! -x "$venv/bin/python" ] || py=$venv/bin/python
        fi ;;
    esac
    if [ -z "$py" ] || ! "$py" -m pip --version >/dev/null 2>&1; then  # none yet, or one that was interrupted
        base=${base:-$(find_python)} || exit $?
        step "setup: .venv with $base" make_venv "$base"
        py=$venv/bin/python
    fi
    if ! cmp -s "$here/requirements.txt" "$venv/installed.txt"; then
        step "setup: install requirements.txt" install_all "$venv"
        step "setup: check OpenCV" check_opencv
        cp "$here/requirements.txt" "$venv/installed.txt"
    fi
    install_fast
    wheels check || true
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
    case $part:$kind in web:sample | predict:sample) return ;; esac  # what they learn of the sample data suits no photo
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
    "$py" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail "the page needs Python 3.10 or later." 2
    step "setup: requirements-web.txt" \
        wheels beside "$here/requirements-web.txt" --needs gradio fastapi uvicorn python_multipart
    newest_weights
    exec "$py" "$here/app.py" ${weights:+--weights "$weights"} "$@"
}

tests() {
    step "setup: requirements-dev.txt" wheels beside "$here/requirements-dev.txt" --needs pytest xdist
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
    case $part:$word in  # --checkpoint-path is train.py's other word for it
    all:--save[-_]dir=* | stage?:--save[-_]dir=* | all:--checkpoint[-_]path=* | stage?:--checkpoint[-_]path=*)
        save_dir=${word#*=}; continue ;;
    all:--save[-_]dir | stage?:--save[-_]dir | all:--checkpoint[-_]path | stage?:--checkpoint[-_]path)
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
