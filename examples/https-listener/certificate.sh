#!/usr/bin/env bash
# Makes a CA and a certificate for gateway.example.com, and the Secret manifests/certificate.yaml. No key is in the
# repository. In a cluster cert-manager does this.
set -euo pipefail
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=example CA' \
  -keyout ca.key -out ca.crt
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=gateway.example.com' \
  -CA ca.crt -CAkey ca.key -addext 'subjectAltName=DNS:gateway.example.com' \
  -addext 'basicConstraints=critical,CA:FALSE' -keyout tls.key -out tls.crt
{
  printf 'apiVersion: v1\nkind: Secret\nmetadata: {name: gateway-certificate}\ntype: kubernetes.io/tls\nstringData:\n'
  for file in tls.crt tls.key; do
    printf '  %s: |\n' "$file"
    sed 's/^/    /' "$file"
  done
} > manifests/certificate.yaml
