#!/usr/bin/env bash
# Score the DICOM series of a folder and fetch its results as DICOM objects: bash series_to_dicom.sh SERIES FOLDER.
# With PACS="HOST PORT AETITLE" they are sent there by dcmtk's storescu. Research use only.
set -euo pipefail
address=${ATYPIA_ADDRESS:-http://127.0.0.1:8000}
series=$1 folder=$2
parts=()
for file in "$series"/*; do parts+=(--form "file=@$file"); done

# One request does it all: the answer is there when the job is done, as a multipart of DICOM objects.
curl --silent --show-error --fail-with-body --header 'Prefer: wait=300' "${parts[@]}" \
  --output "$folder/result.json" "$address/score?scope=${SCOPE:-enforce}${MODEL:+&model=$MODEL}" \
  || { cat "$folder/result.json" >&2; exit 1; }
job=$(sed -n 's/.*"job_id": *"\([0-9a-f]*\)".*/\1/p' "$folder/result.json")

# What the image does not allow, such as a parametric map of a radiograph, is answered with 406 and left out.
for form in sc sr seg pm; do
  curl --silent --fail --output "$folder/$form.dcm" "$address/jobs/$job/result/$form.dcm" || rm -f "$folder/$form.dcm"
done
if [ -n "${PACS:-}" ]; then
  read -r host port title <<<"$PACS"
  # -R proposes what is sent and no more: storescu's own list lacks newer objects.
  storescu -R -aet "${AE_TITLE:-ATYPIA}" -aec "$title" "$host" "$port" "$folder"/*.dcm
fi
ls "$folder"
