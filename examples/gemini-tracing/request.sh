#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/gemini" \
  -H 'content-type: application/json' \
  -d '{"model": "", "messages": [{"role": "user", "content": "Why is the sky blue?"}]}'
echo
