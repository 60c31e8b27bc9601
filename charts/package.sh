#!/bin/sh
# usage: package.sh FOLDER [GATEWAY-API-CRDS]   (`make chart` calls it with the first)
# Puts weir-VERSION.tgz and weir-crds-VERSION.tgz into FOLDER and prints their paths. Each has its CRDs inside: weir's own,
# and the standard ones of Gateway API, from a folder or else from the Go module that gateway-api-bundle/go.mod names. A
# chart's archive is a tar of its folder, so that no helm is needed.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
charts=$(cd "$(dirname "$0")" && pwd)

if [ $# -gt 1 ]; then
  bundle=$2
else
  command -v go >/dev/null 2>&1 || { echo "the charts need Go 1.26 or newer: Gateway API's CRDs come as a Go module" >&2; exit 1; }
  # go checks what it downloads against go.sum.
  module=sigs.k8s.io/gateway-api
  (cd "$charts/gateway-api-bundle" && go mod download "$module")
  bundle=$(cd "$charts/gateway-api-bundle" && go list -m -f '{{.Dir}}' "$module")/config/crd/standard
fi

staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT
# -L: the CRDs in place of the links to them.
cp -RL "$charts/weir" "$charts/weir-crds" "$staged"
mkdir -p "$staged/weir-crds/files/gateway-api" "$staged/weir/charts/gateway-api/crds"
cp "$bundle"/*.yaml "$staged/weir-crds/files/gateway-api/"
# Helm takes CRDs only in a crds folder; the guard against downgrades is none.
for file in "$bundle"/*.yaml; do
  if grep -q '^kind: CustomResourceDefinition$' "$file"; then cp "$file" "$staged/weir/charts/gateway-api/crds/"; fi
done
chmod -R u+w "$staged"

for chart in weir weir-crds; do
  version=$(sed -n 's/^version: //p' "$charts/$chart/Chart.yaml")
  # The same files make the same archive.
  (cd "$staged" && tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw -cf - "$chart") |
    gzip -9n >"$out/$chart-$version.tgz"
  echo "$out/$chart-$version.tgz"
done
