#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/v1/chat/completions" \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# The same as a stream
curl -sS -i "$WEIR/v1/chat/completions" \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "stream": true, "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
