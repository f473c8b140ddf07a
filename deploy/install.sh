#!/bin/sh
# Install this clone into an environment of its own, or update it there. Also used by deploy/Dockerfile.
#
#     deploy/install.sh FOLDER [EXTRA]
#
# EXTRA is one of the extras of pyproject.toml, such as postgresql, s3, gs or cluster.
set -eu
folder=${1:?"usage: $0 FOLDER [EXTRA]"}
source=$(dirname "$0")/..
"${PYTHON:-python3}" -m venv "$folder"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-cache-dir \
    --requirement "$source/requirements.txt" "$source${2:+[$2]}"
