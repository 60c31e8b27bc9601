#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

# No line: all is well
curl -sS "$WEIR/v1/chat/completions" \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "max_tokens": 5, "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# A line: many tokens
curl -sS "$WEIR/v1/chat/completions" \
  -H 'x-user: alice' \
  -H 'user-agent: example' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# A line: no such route
curl -sS "$WEIR/nowhere" \
  -H 'user-agent: example'
echo
