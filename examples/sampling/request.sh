#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

# Traced: it asks for it
curl -sS "$WEIR/v1/chat/completions" \
  -H 'x-debug: 1' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# Not traced: internal
curl -sS "$WEIR/internal/chat" \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# Traced: the caller is
curl -sS "$WEIR/v1/chat/completions" \
  -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

# Not traced: the load test, whose context passes as it came
curl -sS "$WEIR/v1/chat/completions" \
  -H 'user-agent: load-test' \
  -H 'traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' \
  -H 'content-type: application/json' \
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
