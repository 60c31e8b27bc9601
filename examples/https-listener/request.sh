#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-https://gateway.example.com:8443}

curl -sS --cacert "$(dirname "$0")/ca.crt" --connect-to gateway.example.com:8443:localhost:8443 "$WEIR/v1/chat/completions" \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
