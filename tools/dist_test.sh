#!/usr/bin/env bash
# Evaluate on several GPUs, or several CPU processes: dist_test.sh CONFIG CHECKPOINT PROCESSES [flags of test.py]
set -euo pipefail
config=$1 checkpoint=$2 processes=$3
exec torchrun --nnodes="${NNODES:-1}" --node_rank="${NODE_RANK:-0}" --nproc_per_node="$processes" \
    --master_addr="${MASTER_ADDR:-127.0.0.1}" --master_port="${PORT:-29500}" \
    "$(dirname "$0")/test.py" "$config" "$checkpoint" --launcher pytorch "${@:4}"
