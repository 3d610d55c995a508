#!/bin/sh
# Fine-tunes the starter weights on your own cut-outs, and mattes the sample pair with the result.
#
#     sh examples/train_own_data.sh CUTOUTS BACKGROUNDS [FLAG OF train.py ...]
#
# CUTOUTS holds RGBA images of subjects, BACKGROUNDS photos without a subject. A tenth of the subjects is kept for validation.
set -eu
cutouts=$1 backgrounds=$2
shift 2
python=${PYTHON:-python3}
"$python" -m bgmatting train --fgr "$cutouts" --bgr "$backgrounds" --pretrain starter --batch-size auto --save-dir log/own "$@"
"$python" -m bgmatting weights describe log/own/best_model/model.safetensors
"$python" -m bgmatting predict --weights log/own --output log/own/sample
