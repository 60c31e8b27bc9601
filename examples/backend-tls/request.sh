#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/v1/chat/completions" \
  -H 'content-type: application/json' \
  -d '{"messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
