#!/bin/sh
# A gate for any pipeline: scans what is about to leave, keeps the reports, and lets the step fail unless it may go.
#
#   gate.sh PACKAGE [option of yumen scan]...
#
#   YUMEN           the command (yumen)
#   YUMEN_REPORTS   folder for yumen-report.json and yumen-report.md (yumen-reports)
#   YUMEN_SHIPMENT  the manifest; without it every declared fact is unknown
#   YUMEN_BASELINE  the package that was cleared before: the report then tells the difference too
#
# Exit code: 0 it may go; 1 held; 2 nothing was decided. Anything else is an error as well: a gate that is not sure stays closed.
set -u
if [ $# -eq 0 ]; then
  echo "usage: gate.sh PACKAGE [option of yumen scan]..." >&2
  exit 2
fi
package=$1
shift
reports=${YUMEN_REPORTS:-yumen-reports}
mkdir -p "$reports" || exit 2
rm -f "$reports/yumen-report.json" "$reports/yumen-report.md"

set -- --format human --format "json=$reports/yumen-report.json" --format "markdown=$reports/yumen-report.md" "$@"
if [ -n "${YUMEN_SHIPMENT:-}" ]; then
  set -- --shipment "$YUMEN_SHIPMENT" "$@"
fi
if [ -n "${YUMEN_BASELINE:-}" ]; then
  set -- --delta "$@"
  "${YUMEN:-yumen}" scan "$YUMEN_BASELINE" "$package" "$@"
else
  "${YUMEN:-yumen}" scan "$package" "$@"
fi
code=$?

# A pass without a report is none.
if [ "$code" -eq 0 ] && [ ! -s "$reports/yumen-report.json" ]; then
  echo "gate.sh: no report was written; nothing is decided" >&2
  exit 2
fi
exit "$code"
