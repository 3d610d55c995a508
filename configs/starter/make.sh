#!/bin/sh
# Makes starter weights, on the CPU, from generated samples alone:
#
#     sh configs/starter/make.sh [FIRST]
#
# FIRST: weights to start from; without it step 1 starts from nothing and needs many more samples than it says there.
# Takes hours. What is finished is passed over the next time, and what was interrupted goes on. The model card tells how the
# shipped file was made by these steps. PYTHON names the interpreter, PROCESSES how many train together.
set -eu
cd "$(dirname "$0")/../.."
python=${PYTHON:-python}
logs=log/starter
mkdir -p "$logs"

train() {  # STEP [MORE FLAGS]
    step=$1
    shift
    [ -e "$logs/$step.safetensors" ] && return
    FLAGS_paddle_num_threads=1 OMP_NUM_THREADS=1 "$python" -m paddle.distributed.launch --backend gloo \
        --nproc_per_node "${PROCESSES:-2}" --log_dir "$logs/launch" \
        train.py --config "configs/starter/$step.yml" --device cpu "$@"
    last=$(ls -td "$logs/$step"/iter_* | head -n 1)
    [ -e "$last/ema.safetensors" ] && last=$last/ema.safetensors || last=$last/model.safetensors
    cp "$last" "$logs/$step.part"
    mv "$logs/$step.part" "$logs/$step.safetensors"
}

average() { "$python" -m bgmatting weights average "$@"; }

if [ $# -gt 0 ]; then train 1_base --pretrain "$1"; else train 1_base; fi
train 2_refiner
train 3_larger
average "$logs/2_refiner.safetensors" "$logs/3_larger.safetensors" "$logs/3_average.safetensors"
train 4_patches
train 5_soft
average "$logs/3_average.safetensors" "$logs/5_soft.safetensors" "$logs/5_average.safetensors" \
    --refiner "$logs/4_patches.safetensors"
train 6_last
"$python" -m bgmatting weights convert "$logs/6_last.safetensors" "$logs/starter_mobilenetv2.safetensors" --half
