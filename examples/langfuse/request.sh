#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/v1/chat/completions" \
  -H 'x-user: alice' \
  -H 'x-session: s-1' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "temperature": 0.2, "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
