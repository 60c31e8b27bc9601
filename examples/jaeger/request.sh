#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/v1/chat/completions" \
  -H 'x-user: alice' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# A caller that traces, too
curl -sS "$WEIR/v1/chat/completions" \
  -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
