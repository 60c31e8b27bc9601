#!/usr/bin/env bash
# Makes a private CA, a certificate for the model server (server.crt, server.key), and the ConfigMap
# manifests/certificate.yaml with the CA. No key is in the repository.
set -euo pipefail
cd "$(dirname "$0")"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=private CA' \
  -keyout ca.key -out ca.crt
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj '/CN=vllm' \
  -CA ca.crt -CAkey ca.key -addext 'subjectAltName=DNS:vllm.models.svc.cluster.local' \
  -addext 'basicConstraints=critical,CA:FALSE' -keyout server.key -out server.crt
{
  printf 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: private-ca}\ndata:\n  ca.crt: |\n'
  sed 's/^/    /' ca.crt
} > manifests/certificate.yaml
