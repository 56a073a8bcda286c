#!/usr/bin/env bash
# Runs the embedded bench and compares it with the committed baseline, as CI does.
#
#   examples/compare.sh [RESULTS] [WORD FOR PYTEST...]
#
# RESULTS (default: results/compare) is where the files go, without their endings: .json (report),
# .jsonl (stream), .xml (JUnit), .md (the comparison, for a pull request). Further words go to
# pytest, such as --knn. Exit status 1 if significantly fewer problems pass than in the baseline.
set -euo pipefail
cd "$(dirname "$0")/.."

results=${1:-results/compare}
shift || true
baseline=${KNM_BASELINE:-results/baseline.json}
condition=${KNM_FAIL_ON:-p:0.05}
unset KNM_BASELINE KNM_FAIL_ON  # the comparison below is enough; pytest need not make it too

# 1: problems failed, as some always do; whether they are too many is for the comparison to say.
status=0
python -m pytest bench -q --results "$results.json" --junitxml "$results.xml" "$@" || status=$?
if [ "$status" -gt 1 ]; then
    exit "$status"
fi

python -m knm.cli diff "$baseline" "$results.json" --markdown > "$results.md"
python -m knm.cli diff "$baseline" "$results.json" --fail-on "$condition"
