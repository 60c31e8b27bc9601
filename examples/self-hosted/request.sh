#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

curl -sS "$WEIR/vllm" \
  -H 'content-type: application/json' \
  -d '{"messages": [{"role": "user", "content": "What is a weir?"}]}'
echo

curl -sS "$WEIR/ollama" \
  -H 'content-type: application/json' \
  -d '{"model": "llama3.2", "messages": [{"role": "user", "content": "What is a weir?"}]}'
echo
