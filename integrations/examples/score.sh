#!/usr/bin/env bash
# Score one image with curl alone: bash score.sh IMAGE [FOLDER]. Research use only.
# ATYPIA_ADDRESS is where the service is, ATYPIA_KEY_FILE a file with a line `Authorization: Bearer KEY`.
set -euo pipefail
address=${ATYPIA_ADDRESS:-http://127.0.0.1:8000}
image=$1 folder=${2:-.}
# The key in a file: everybody on this machine can read command lines.
curl=(curl --silent --show-error --fail-with-body --retry 5 --retry-all-errors)
[ -z "${ATYPIA_KEY_FILE:-}" ] || curl+=(--header "@$ATYPIA_KEY_FILE")

# The answer is 202 with the job's path in Location, or a problem in JSON that says what is wrong.
"${curl[@]}" --form "file=@$image" --dump-header "$folder/headers" --output "$folder/job.json" "$address/score" \
  || { cat "$folder/job.json" >&2; exit 1; }
job=$(sed -n 's/^[Ll]ocation: *\(.*[^[:space:]]\)[[:space:]]*$/\1/p' "$folder/headers")

# 409 until the job has ended, which --retry-all-errors would take for an error of the network: so wait on the events.
"${curl[@]}" --no-buffer --output "$folder/events" "$address$job/events"
"${curl[@]}" --output "$folder/result.json" "$address$job/result.json" || { cat "$folder/result.json" >&2; exit 1; }
"${curl[@]}" --output "$folder/heatmap.png" "$address$job/result/overlay.png"
cat "$folder/result.json"
