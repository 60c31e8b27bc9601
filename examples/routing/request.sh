#!/usr/bin/env bash
set -euo pipefail
WEIR=${WEIR:-http://localhost:8080}

# One of the two, by weight
curl -sS -i "$WEIR/items?page=2" \
  -H 'host: shop.example.com' \
  -H 'x-internal: secret'
echo

# The new version, by header
curl -sS "$WEIR/items" \
  -H 'host: shop.example.com' \
  -H 'x-version: preview'
echo

# Another path and host for the upstream
curl -sS "$WEIR/api/v1/items" \
  -H 'host: shop.example.com'
echo

# Another URL for the client
curl -sS -i "$WEIR/old/page" \
  -H 'host: shop.example.com'
echo

# A host that no route has
curl -sS "$WEIR/" \
  -H 'host: other.example.com'
echo
